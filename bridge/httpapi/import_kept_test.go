package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/httpapi"
)

// TestImportsKept: how long each import stays in the store, as docs/production.md says:
// those that do not end stay.
func TestImportsKept(t *testing.T) {
	a := start(t)
	begin := a.Clock.Now()
	const file = "email\nada@example.com\n"
	ids := map[string]string{
		"finished": a.importFile("email\nnobody\n", "").ID,
		"dry run":  a.importFile(file, "dry_run=true").ID,
	}
	a.runImports()
	for name, verb := range map[string]string{"canceled": "/cancel", "paused": "/pause", "far": ""} {
		ids[name] = a.importFile(file, "start_at=2090-01-01T00:00:00Z").ID
		if verb != "" {
			a.asAdmin(http.MethodPost, "/imports/"+ids[name]+verb, nil)
		}
	}
	for _, step := range []struct {
		after time.Duration
		kept  []string
	}{
		{24*time.Hour - time.Second, []string{"canceled", "dry run", "far", "finished", "paused"}},
		{24 * time.Hour, []string{"canceled", "far", "finished", "paused"}},
		{720*time.Hour - time.Second, []string{"canceled", "far", "finished", "paused"}}, // invitation.retention is 720h
		{720 * time.Hour, []string{"far", "paused"}},
		{20_000 * time.Hour, []string{"far", "paused"}},
	} {
		a.Clock.Advance(step.after - a.Clock.Now().Sub(begin))
		a.runImports()
		var kept []string
		for name, id := range ids {
			if got := a.asAdmin(http.MethodGet, "/imports/"+id+"/rows", nil); got.status == http.StatusOK {
				kept = append(kept, name)
			}
		}
		if slices.Sort(kept); !slices.Equal(kept, step.kept) {
			t.Errorf("after %v: %v, want %v", step.after, kept, step.kept)
		}
	}
}

// TestImportStored: what a row takes in the store beside its content, as docs/production.md
// says: some 300 bytes.
func TestImportStored(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.MaxImportSize = 1 << 20 })
	const rows = 50_000
	size := func() int { return len(a.asAdmin(http.MethodGet, "/backup", nil).body) }
	before := size()
	if i := a.importFile("email\n"+strings.Repeat("x\n", rows), "start_at=2090-01-01T00:00:00Z"); i.Rows != rows {
		t.Fatalf("%+v", i)
	}
	if each := (size() - before) / rows; each > 330 {
		t.Errorf("%d bytes a row", each)
	} else {
		t.Logf("%d bytes a row", each)
	}
}
