package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

func observabilityDoc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentedTracing: the documented configuration loads and enables traces.
func TestDocumentedTracing(t *testing.T) {
	found := regexp.MustCompile("(?s)```yaml\n(tracing:.*?)```").FindStringSubmatch(observabilityDoc(t))
	if found == nil {
		t.Fatal("no tracing configuration found")
	}
	file := filepath.Join(t.TempDir(), "tracing.yml")
	if err := os.WriteFile(file, []byte(found[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Files: []string{file}, Dev: true})
	if err != nil || !cfg.TracingEnabled() {
		t.Errorf("%v, enabled %v", err, cfg.TracingEnabled())
	}
}

// assertDocumented compares the documented fields of request lines with those in
// a log that has every field except trace_id.
func assertDocumented(t *testing.T, log string) {
	t.Helper()
	seen := map[string]bool{"trace_id": true, "inviter": true} // of other tests
	for line := range strings.Lines(log) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == "request" {
			for name := range fields {
				seen[name] = true
			}
		}
	}
	_, section, _ := strings.Cut(observabilityDoc(t), "\n## Log\n")
	var documented []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
				documented = append(documented, name[1])
			}
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(documented, slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("fields of a request (-documented +logged):\n%s", diff)
	}
}
