package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

const importURL = "/api/v1/invite/imports"

// TestClientImport: the settings of an upload reach the bridge, and the other methods
// show and change the import.
func TestClientImport(t *testing.T) {
	a := start(t)
	c, ctx := newClient(t, a.admin), t.Context()
	startAt := a.Clock.Now().Add(time.Hour)
	options := httpapi.ImportOptions{
		MediaType: httpapi.MediaTypeCSV, InviterID: "7", Locale: "de", ExpiresIn: 48 * time.Hour, Quiet: true, IdempotencyKey: "monday",
		WaveSize: 10, WaveEvery: 24 * time.Hour, StartAt: startAt, Reinvite: []bridge.State{bridge.StateRevoked, bridge.StateExpired},
	}
	file := "email\nada@example.com\nnobody\n"
	v, err := c.Import(ctx, strings.NewReader(file), options)
	if err != nil {
		t.Fatal(err)
	}
	if v.State != bridge.ImportRunning || v.Rows != 2 || v.Waiting != 1 || v.Counts.Failed != 1 || v.WaveSize != 10 || v.WaveEvery != "24h0m0s" || !v.StartAt.Equal(startAt) || len(v.Reinvite) != 2 {
		t.Errorf("got %+v", v)
	}
	dry, err := c.Import(ctx, strings.NewReader(`{"email":"eve@example.com"}`), httpapi.ImportOptions{MediaType: httpapi.MediaTypeNDJSON, DryRun: true})
	if err != nil || !dry.DryRun {
		t.Errorf("dry run: %+v, %v", dry, err)
	}

	if got, err := c.GetImport(ctx, v.ID); err != nil || cmp.Diff(v, got) != "" {
		t.Errorf("get: %+v, %v", got, err)
	}
	page, err := c.Imports(ctx, httpapi.ImportsQuery{PageSize: 1})
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != dry.ID || page.NextPageToken == "" {
		t.Errorf("list: %+v, %v", page, err)
	}
	page, err = c.Imports(ctx, httpapi.ImportsQuery{PageToken: page.NextPageToken})
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != v.ID || page.NextPageToken != "" {
		t.Errorf("list: %+v, %v", page, err)
	}
	if again, err := c.Import(ctx, strings.NewReader(file), options); err != nil || again.ID != v.ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	options.Locale = "en"
	if _, err := c.Import(ctx, strings.NewReader(file), options); !errors.Is(err, bridge.ErrIdempotencyKeyReused) {
		t.Errorf("with another setting: %v", err)
	}
	for _, step := range []struct {
		do   func(context.Context, uuid.UUID) (bridge.ImportView, error)
		want bridge.ImportState
	}{
		{c.PauseImport, bridge.ImportPaused}, {c.ResumeImport, bridge.ImportRunning}, {c.CancelImport, bridge.ImportCanceled},
	} {
		for range 2 {
			if got, err := step.do(ctx, v.ID); err != nil || got.State != step.want {
				t.Errorf("got %s, want %s; %v", got.State, step.want, err)
			}
		}
	}
	if _, err := c.GetImport(ctx, uuid.New()); !errors.Is(err, bridge.ErrImportNotFound) {
		t.Errorf("unknown id: %v", err)
	}

	var rows bytes.Buffer
	err = c.ImportRows(ctx, v.ID, httpapi.ImportRowsQuery{Result: bridge.ResultFailed, MediaType: httpapi.MediaTypeCSV}, &rows)
	if err != nil || !strings.Contains(rows.String(), "\n3,failed,,email_invalid,") || strings.Contains(rows.String(), "ada") {
		t.Errorf("%v: %s", err, &rows)
	}
	rows.Reset()
	err = c.ImportRows(ctx, v.ID, httpapi.ImportRowsQuery{MediaType: httpapi.MediaTypeNDJSON}, &rows)
	if err != nil || strings.Count(rows.String(), "\n") != 2 {
		t.Errorf("%v: %s", err, &rows)
	}
	if err := c.ImportRows(ctx, v.ID, httpapi.ImportRowsQuery{Result: "open", MediaType: httpapi.MediaTypeCSV}, &rows); !errors.Is(err, bridge.ErrBadRequest) {
		t.Errorf("unknown result: %v", err)
	}
	if page, err := c.List(ctx, httpapi.ListQuery{ImportID: v.ID}); err != nil || len(page.Items) != 0 {
		t.Errorf("invitations: %+v, %v", page, err)
	}
}

// TestClientInviteOnce: an invite that is repeated with its idempotency key returns the
// first invitation.
func TestClientInviteOnce(t *testing.T) {
	a := start(t)
	c, ctx := newClient(t, a.admin), t.Context()
	first, created, err := c.Invite(ctx, bridge.InviteRequest{Email: email}, httpapi.WithIdempotencyKey("a"))
	if err != nil || !created {
		t.Fatal(created, err)
	}
	if again, _, err := c.Invite(ctx, bridge.InviteRequest{Email: email}, httpapi.WithIdempotencyKey("a")); err != nil || again.ID != first.ID {
		t.Errorf("again: %+v, %v", again.InvitationView, err)
	}
	if _, _, err := c.Invite(ctx, bridge.InviteRequest{Email: "eve@example.com"}, httpapi.WithIdempotencyKey("a")); !errors.Is(err, bridge.ErrIdempotencyKeyReused) {
		t.Errorf("another address: %v", err)
	}
}

// attempts counts the uploads that a server got, and keeps the last file.
type attempts struct {
	mu   sync.Mutex
	n    int
	file string
}

func (a *attempts) next() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n++
	return a.n
}

func (a *attempts) keep(file []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.file = string(file)
}

func (a *attempts) seen() (n int, file string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n, a.file
}

// uploadServer is a server that fails some uploads and then accepts one.
func uploadServer(t *testing.T, failures ...http.HandlerFunc) (c *httpapi.Client, got *attempts) {
	t.Helper()
	got = &attempts{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := got.next(); n <= len(failures) {
			failures[n-1](w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		got.keep(body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"state":"running"}`)
	}))
	t.Cleanup(server.Close)
	c = newClient(t, server.URL)
	httpapi.SetRetryPause(c, time.Millisecond)
	return c, got
}

func respond(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if len(header) > 0 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":{"id":"some","reason":"Some."}}`)
	}
}

// hangUp closes the connection without reading the file.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
}

// TestClientImportRetries: an upload is repeated as a whole, but only with an
// idempotency key, a file that can be read again, and for a reason that may pass.
func TestClientImportRetries(t *testing.T) {
	const file = "email\nada@example.com\n"
	once := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }
	again := func(s string) io.Reader {
		r := strings.NewReader("skipped" + s)
		_, _ = r.Seek(int64(len("skipped")), io.SeekStart)
		return r
	}
	for name, c := range map[string]struct {
		file     func(string) io.Reader
		key      string
		failures []http.HandlerFunc
		attempts int
		status   int // of the error; 0: none
	}{
		"a lost connection":    {again, "k", []http.HandlerFunc{hangUp, hangUp}, 3, 0},
		"busy":                 {again, "k", []http.HandlerFunc{respond(http.StatusTooManyRequests), respond(http.StatusServiceUnavailable)}, 3, 0},
		"always busy":          {again, "k", []http.HandlerFunc{respond(503), respond(503), respond(503), respond(503), respond(503)}, 4, http.StatusServiceUnavailable},
		"busy for an hour":     {again, "k", []http.HandlerFunc{respond(http.StatusTooManyRequests, "Retry-After", "3600")}, 1, http.StatusTooManyRequests},
		"an invalid file":      {again, "k", []http.HandlerFunc{respond(http.StatusBadRequest)}, 1, http.StatusBadRequest},
		"no key":               {again, "", []http.HandlerFunc{respond(http.StatusServiceUnavailable)}, 1, http.StatusServiceUnavailable},
		"a file to read once":  {once, "k", []http.HandlerFunc{respond(http.StatusServiceUnavailable)}, 1, http.StatusServiceUnavailable},
		"read once, no errors": {once, "", nil, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			client, got := uploadServer(t, c.failures...)
			v, err := client.Import(t.Context(), c.file(file), httpapi.ImportOptions{MediaType: httpapi.MediaTypeCSV, IdempotencyKey: c.key})
			n, sent := got.seen()
			var refused *httpapi.Error
			switch {
			case n != c.attempts:
				t.Errorf("%d attempts, want %d; %v", n, c.attempts, err)
			case c.status == 0 && (err != nil || v.State != bridge.ImportRunning || sent != file):
				t.Errorf("%+v, %v, %q", v, err, sent)
			case c.status != 0 && (!errors.As(err, &refused) || refused.Status != c.status):
				t.Errorf("got %v, want %d", err, c.status)
			}
		})
	}
}

// endless is a file that never ends and counts what was read.
type endless struct{ bytes int }

func (e *endless) Read(p []byte) (int, error) {
	e.bytes += len(p)
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

// TestClientImportRefused: a request that is refused whatever its file has is not
// followed by the file.
func TestClientImportRefused(t *testing.T) {
	client, _ := uploadServer(t, respond(http.StatusUnauthorized))
	file := &endless{}
	var refused *httpapi.Error
	_, err := client.Import(t.Context(), file, httpapi.ImportOptions{MediaType: httpapi.MediaTypeCSV})
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || file.bytes > 0 {
		t.Errorf("%d bytes were sent, %v", file.bytes, err)
	}
}

// TestClientImportRowsCutOff: rows that did not arrive completely are an error.
func TestClientImportRowsCutOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_, _ = io.WriteString(w, "line,result\n")
		if r.URL.Path != importURL+"/"+uuid.Nil.String()+"/rows" || r.Header.Get("Accept") != httpapi.MediaTypeCSV {
			t.Errorf("%s, %v", r.URL, r.Header)
		}
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	c := newClient(t, server.URL)
	var rows bytes.Buffer
	err := c.ImportRows(t.Context(), uuid.Nil, httpapi.ImportRowsQuery{MediaType: httpapi.MediaTypeCSV}, &rows)
	if err == nil || !strings.Contains(err.Error(), "cut off after 12 bytes") || rows.String() != "line,result\n" {
		t.Errorf("%v: %q", err, &rows)
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }))
	defer page.Close()
	if err := newClient(t, page.URL).ImportRows(t.Context(), uuid.Nil, httpapi.ImportRowsQuery{MediaType: httpapi.MediaTypeCSV}, &rows); err == nil {
		t.Error("a page is accepted")
	}
}
