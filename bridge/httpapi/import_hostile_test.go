package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

func TestImportMediaTypes(t *testing.T) {
	a := start(t)
	for _, headers := range [][]string{
		{"Content-Type", ""}, {"Content-Type", "application/json"}, {"Content-Type", "text/plain"}, {"Content-Type", "text/csv; charset=latin1"},
		{"Content-Type", "multipart/form-data; boundary=x"}, {"Content-Type", "text/*"}, {"Content-Encoding", "gzip"}, {"Content-Encoding", "br"},
	} {
		if got := a.upload("email\nada@example.com\n", "", headers...); got.status != http.StatusUnsupportedMediaType || got.errorID() != "unsupported_media_type" {
			t.Errorf("%q: %d %s", headers, got.status, got.body)
		}
	}
	for i, media := range []string{"Text/CSV; charset=UTF-8; header=present", "application/x-ndjson"} {
		file := fmt.Sprintf("email\nu%d@example.com\n", i)
		if strings.HasSuffix(media, "ndjson") {
			file = `{"email":"line@example.com"}`
		}
		if got := a.upload(file, "", "Content-Type", media); got.status != http.StatusAccepted {
			t.Errorf("%s: %d %s", media, got.status, got.body)
		}
	}
}

// TestHostileFiles: a file that cannot be read names its line, and nothing of it is kept.
func TestHostileFiles(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.MaxImportSize = 4 << 20 })
	const rows = "email\nada@example.com\n"
	for name, c := range map[string]struct {
		file string
		line string
	}{
		"a huge line":      {rows + strings.Repeat("x", 2<<20) + "\n", "3"},
		"a huge row":       {"email,traits.a\nada@example.com," + strings.Repeat("x", 70<<10) + "\n", "2"},
		"NUL":              {rows + "a\x00@example.com\n", "3"},
		"compressed":       {"\x1f\x8b\x08" + strings.Repeat("x", 100), "1"},
		"a workbook":       {"PK\x03\x04" + strings.Repeat("x", 100), "1"},
		"Latin-1":          {rows + "\xfc@example.com\n", "3"},
		"many columns":     {"email" + strings.Repeat(",traits.a", 1000) + "\n", "1"},
		"an unclosed cell": {rows + "\"" + strings.Repeat("a\n", 1000), "3"},
	} {
		got := a.upload(c.file, "")
		if line, _ := got.member("error", "details", "line"); got.errorID() != "import_invalid" || fmt.Sprint(line) != c.line {
			t.Errorf("%s: %d %.300s", name, got.status, got.body)
		}
	}
	a.wantNothingKept()
	deep := `{"email":"a@example.com","traits":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5001)
	if got := a.upload(deep+"\n"+`{"email":"b@example.com","admin":true}`, "", "Content-Type", "application/x-ndjson"); !strings.Contains(string(got.body), `"failed":2`) {
		t.Errorf("rows that are no invite: %d %s", got.status, got.body)
	}
}

func TestImportSettings(t *testing.T) {
	a := start(t)
	for _, query := range []string{
		"colour=x", "dry_run=1", "dry_run=", "notify=no", "wave_size=x&wave_every=1h", "wave_size=5", "wave_every=24h", "wave_size=5&wave_every=1s",
		"wave_size=-5&wave_every=1h", "start_at=tomorrow", "start_at=2030-01-01T00:00:00+02:00", "reinvite=pending", "reinvite=", "locale=a&locale=b",
		"inviter_email=x", "timezone=x/y", "reinvite=revoked,,expired", "a=%zz", "wave_size=99999999999999999999&wave_every=1h",
	} {
		if got := a.upload("email\nada@example.com\n", query); got.status != http.StatusBadRequest || got.errorID() != "bad_request" {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	a.wantNothingKept()
}

// TestImportPaths: malformed ids and filters are refused, and no header has anything that
// a client chose.
func TestImportPaths(t *testing.T) {
	a := start(t)
	id := a.importFile("email\nada@example.com\n", "").ID
	injection := url.QueryEscape("failed\r\nX-Injected: 1")
	for _, other := range []string{uuid.NewString(), "x", strings.ToUpper(id), "urn:uuid:" + id, "%0d%0aX-Injected:%201"} {
		for method, paths := range map[string][]string{http.MethodGet: {"", "/rows"}, http.MethodPost: {"/pause", "/resume", "/cancel"}} {
			for _, path := range paths {
				if got := a.asAdmin(method, "/imports/"+other+path, nil); got.status != http.StatusNotFound || got.errorID() != "import_not_found" {
					t.Errorf("%s %s%s: %d %s", method, other, path, got.status, got.body)
				}
			}
		}
	}
	for _, query := range []string{"result=" + injection, "result=won", "page_size=1", "result=failed&result=invited"} {
		if got := a.asAdmin(http.MethodGet, "/imports/"+id+"/rows?"+query, nil); got.errorID() != "bad_request" || got.header.Get("X-Injected") != "" {
			t.Errorf("%s: %d %v", query, got.status, got.header)
		}
	}
	got := a.asAdmin(http.MethodGet, "/imports/"+id+"/rows?result=waiting", nil)
	if want := "attachment; filename=import-" + id + "-waiting.ndjson"; got.header.Get("Content-Disposition") != want {
		t.Errorf("%v", got.header)
	}
	if got := a.asAdmin(http.MethodGet, "/?import_id="+strings.ToUpper(id), nil); got.errorID() != "bad_request" {
		t.Errorf("a filter by a malformed id: %d %s", got.status, got.body)
	}
}

// TestImportsHaveNoSecrets: no response of the routes of imports has a token or a link,
// and the log has no address, no key and nothing of the file.
func TestImportsHaveNoSecrets(t *testing.T) {
	a := start(t)
	const canary = "CANARY-5up3r"
	headers := []string{"Idempotency-Key", canary, "Content-Disposition", `attachment; filename="` + canary + `"`}
	var answers []answer
	file := "email,traits.name.first\nada@example.com," + canary + "\nbad-" + canary + ",\n"
	answers = append(answers, a.upload(file, "inviter_name="+canary, headers...), a.upload("email\n"+canary, "", headers...))
	a.runImports()
	var i importView
	answers[0].into(t, &i)
	for _, path := range []string{"/imports", "/imports/" + i.ID, "/imports/" + i.ID + "/rows", "/imports/" + i.ID + "/rows?result=" + canary} {
		answers = append(answers, a.asAdmin(http.MethodGet, path, nil))
	}
	answers = append(answers, a.asAdmin(http.MethodPost, "/imports/"+i.ID+"/cancel", nil), a.upload(file, "", headers...))
	tokens := 0
	for _, d := range a.dispatches(bridgetest.Hook) {
		if token := d.Payload.Data.Token; token != "" {
			tokens++
			for _, got := range answers {
				if strings.Contains(string(got.body), token) {
					t.Errorf("a token in %s", got.body)
				}
			}
		}
	}
	if tokens == 0 {
		t.Error("no token was sent: the test compares nothing")
	}
	for _, got := range answers {
		for _, word := range []string{"invitation_token", "invitation_link", "join.example.com"} {
			if strings.Contains(string(got.body), word) {
				t.Errorf("%s in %s", word, got.body)
			}
		}
	}
	log := a.log.String()
	for _, word := range []string{canary, "@example.com", "inviter_name"} {
		if strings.Contains(log, word) {
			t.Errorf("the log has %s:\n%s", word, log)
		}
	}
	if !strings.Contains(log, `"import_id":"`+i.ID+`"`) {
		t.Errorf("the log does not have the id:\n%s", log)
	}
}
