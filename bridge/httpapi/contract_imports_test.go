package httpapi_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/testenv"
)

// imports drives the operations on imports, and repetitions by Idempotency-Key.
func (d *driver) imports(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://app.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	w := d.start(t, func(c *bridge.Config) { c.AllowedReturnURLs = allowed })
	for _, operation := range []string{"pauseImport", "pauseImport", "resumeImport", "resumeImport", "listImportRows", "getImport"} {
		w.want(operation, http.StatusOK, "", nil)
	}
	for query, id := range map[string]string{
		"expires_in=9999h": "expires_in_invalid", "return_to=https://evil.example/": "return_to_not_allowed", "wave_size=0": "bad_request",
	} {
		w.wantUpload(t, http.StatusBadRequest, id, "email\na@example.com\n", query)
	}
	for _, file := range []string{"", "email,colour\n", "email\n\"a", "e-mail\na@example.com\n", "email\na@example.com\x00\n"} {
		w.wantUpload(t, http.StatusBadRequest, "import_invalid", file, "")
	}
	full := w.importFile("email;traits.name.first\nnew@example.com;Ada\n;\nADA@example.com;\nnew@example.com;x\n", "dry_run=false&schema_id=default"+
		"&inviter_id=42&inviter_name=Grace&inviter_email=g@example.com&locale=en&timezone=Europe/Berlin&return_to=https://app.example.com/x"+
		"&expires_in=168h&notify=false&wave_size=500&wave_every=24h&start_at=2030-01-02T03:04:05Z&reinvite=revoked,expired")
	w.importID = full.ID
	w.runImports()
	for _, operation := range []string{"pauseImport", "resumeImport"} {
		w.want(operation, http.StatusConflict, "import_ended", nil)
	}
	for _, operation := range []string{"cancelImport", "getImport", "listImportRows", "listImports"} {
		w.want(operation, http.StatusOK, "", nil)
	}
	for _, query := range []string{"result=failed", "result=waiting", ""} {
		for _, accept := range []string{"text/csv", "application/x-ndjson"} {
			r := request(t, http.MethodGet, w.admin+base+"/imports/"+w.importID+"/rows?"+query, nil, "Accept", accept, "Authorization", "Bearer "+key)
			if got := do(t, r); got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), accept) {
				t.Errorf("%s as %s: %d %v", query, accept, got.status, got.header)
			}
		}
	}
	w.asAdmin(http.MethodGet, "/?import_id="+w.importID, nil)
	w.messageID = w.messageAt(bridgetest.Hook) // import_finished
	w.want("getMessage", http.StatusOK, "", nil)
	w.importID = w.importFile("email\nz@example.com\n", "dry_run=true&start_at=2031-01-01T00:00:00Z").ID
	w.want("cancelImport", http.StatusOK, "", nil)
	d.whileLoading(t)
	d.repetitions(t)
}

func (d *driver) whileLoading(t *testing.T) {
	w := d.start(t)
	id, finish := w.beginUpload()
	w.importID = id
	for _, operation := range []string{"pauseImport", "resumeImport", "cancelImport"} {
		w.want(operation, http.StatusConflict, "import_loading", nil)
	}
	w.want("getImport", http.StatusOK, "", nil)
	finish()
}

func (d *driver) repetitions(t *testing.T) {
	w := d.start(t)
	repeated := func(r *http.Request) { r.Header.Set("Idempotency-Key", "a-key") }
	for _, o := range operationsWith(http.StatusConflict, "idempotency_key_reused") {
		first, second := w.send(o, repeated, w.body(o.id)), w.send(o, repeated, w.body(o.id))
		if first.status != second.status || first.header.Get("Location") != second.header.Get("Location") {
			t.Errorf("%s: %d %s, then %d %s", o.id, first.status, first.body, second.status, second.body)
		}
		other := any(object{"email": "other@example.com"})
		if o.id == "createImport" {
			other = "email\nother@example.com\n"
		}
		if got := w.send(o, repeated, other); got.status != http.StatusConflict || got.errorID() != "idempotency_key_reused" {
			t.Errorf("%s: %d %s", o.id, got.status, got.body)
		}
	}
}

// removed invites by an operation and removes that invitation. It returns what makes
// another request its repetition.
func (d *scenario) removed(operation string) func(*http.Request) {
	d.t.Helper()
	repeated := func(r *http.Request) { r.Header.Set("Idempotency-Key", "removed") }
	for _, o := range documenting(http.StatusConflict, "idempotency_key_reused") {
		if o.id == operation {
			var inv struct{ ID string }
			d.send(o, repeated, d.defaultBody(o)).into(d.t, &inv)
			d.issued.ID = inv.ID
			d.want("deleteInvitation", http.StatusOK, "", nil)
		}
	}
	return repeated
}

// importView is the public form of an import.
type importView struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Rows    int    `json:"rows"`
	Waiting int    `json:"waiting"`
	Counts  bridge.ImportCounts
}

// upload sends a CSV file; query is that of the URL.
func (a *api) upload(file, query string, headers ...string) answer {
	a.t.Helper()
	headers = append([]string{"Authorization", "Bearer " + key, "Content-Type", "text/csv"}, headers...)
	return do(a.t, request(a.t, http.MethodPost, a.admin+base+"/imports?"+query, file, headers...))
}

func (a *api) wantUpload(t *testing.T, status int, errorID, file, query string) {
	t.Helper()
	if got := a.upload(file, query); got.status != status || got.errorID() != errorID {
		t.Errorf("%q ?%s: %d %s, want %d %s", file, query, got.status, got.body, status, errorID)
	}
}

// importFile imports a CSV file.
func (a *api) importFile(file, query string) (i importView) {
	a.t.Helper()
	got := a.upload(file, query)
	if got.status != http.StatusAccepted || got.header.Get("Location") == "" {
		a.t.Fatalf("import: %d %s", got.status, got.body)
	}
	got.into(a.t, &i)
	return i
}

// beginUpload begins an upload and returns the id of its import once that is loading.
// finish ends the file, and waits for the response.
func (a *api) beginUpload(headers ...string) (id string, finish func() answer) {
	a.t.Helper()
	earlier := a.loading()
	body, file := io.Pipe()
	headers = append([]string{"Authorization", "Bearer " + key, "Content-Type", "text/csv"}, headers...)
	r := request(a.t, http.MethodPost, a.admin+base+"/imports", nil, headers...)
	r.Body = body
	done := make(chan answer, 1)
	go func() { done <- do(a.t, r) }()
	// The format is recognized by the first 64 bytes.
	if _, err := io.WriteString(file, "email\nuploaded@example.com\n"+strings.Repeat("\n", 64)); err != nil {
		a.t.Fatal(err)
	}
	for begin := time.Now(); id == ""; { // until it has begun
		if time.Since(begin) > testenv.Limit {
			a.t.Fatal("the upload has not begun")
		}
		for _, now := range a.loading() {
			if !slices.Contains(earlier, now) {
				id = now
			}
		}
	}
	return id, func() answer {
		_ = file.Close()
		return <-done
	}
}

// loading returns the ids of the imports that are being uploaded.
func (a *api) loading() (ids []string) {
	a.t.Helper()
	var list []importView
	a.asAdmin(http.MethodGet, "/imports", nil).into(a.t, &list)
	for _, i := range list {
		if i.State == string(bridge.ImportLoading) {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// runImports runs imports until nothing is due.
func (a *api) runImports() {
	a.t.Helper()
	for next := a.Clock.Now(); !next.IsZero() && !next.After(a.Clock.Now()); {
		var err error
		if next, err = a.Service.RunImports(a.t.Context()); err != nil {
			a.t.Fatal(err)
		}
	}
}
