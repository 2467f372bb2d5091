package httpapi_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
)

// wantNothingKept waits until no import is loading, runs the workers, and checks that the
// store has no import.
func (a *api) wantNothingKept() {
	a.t.Helper()
	for begin := time.Now(); len(a.loading()) > 0; a.runImports() {
		if time.Since(begin) > testenv.Limit {
			a.t.Fatal("an import is still loading")
		}
	}
	if got := a.asAdmin(http.MethodGet, "/imports", nil); string(got.body) != "[]\n" {
		a.t.Errorf("kept: %s", got.body)
	}
}

// TestUploadCut: nothing is kept of an upload whose connection breaks, and the next one
// is accepted.
func TestUploadCut(t *testing.T) {
	a := start(t)
	for name, headers := range map[string]string{"with a length": "Content-Length: 60000", "chunked": "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(a.admin, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		rows := "email\n" + strings.Repeat("ada@example.com\n", 1000)
		if name == "chunked" {
			rows = fmt.Sprintf("%x\r\n%s\r\n", len(rows), rows)
		}
		fmt.Fprintf(conn, "POST %s/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/csv\r\n%s\r\n\r\n%s", base, key, headers, rows)
		for begin := time.Now(); len(a.loading()) == 0; {
			if time.Since(begin) > testenv.Limit {
				t.Fatalf("%s: the upload has not begun", name)
			}
		}
		conn.Close()
		a.wantNothingKept()
	}
	a.importFile("email\nada@example.com\n", "")
}

// TestUploadPauses: an upload that pauses for too long ends, nothing of it is kept, and
// its API key may upload again.
func TestUploadPauses(t *testing.T) {
	a := start(t)
	httpapi.SetUploadPause(a.handlers, 500*time.Millisecond)
	body, file := io.Pipe()
	defer file.Close()
	r := request(t, http.MethodPost, a.admin+base+"/imports", nil, "Authorization", "Bearer "+key, "Content-Type", "text/csv")
	r.Body = body
	go func() { _, _ = io.WriteString(file, "email\n"+strings.Repeat("ada@example.com\n", 100)) }()
	if got := do(t, r); got.status != http.StatusBadRequest || got.errorID() != "bad_request" || !strings.Contains(string(got.body), "500ms") {
		t.Errorf("%d %s", got.status, got.body)
	}
	a.wantNothingKept()
	a.importFile("email\nada@example.com\n", "")
}

// TestLongUpload: an upload without long pauses may take longer than any other request.
func TestLongUpload(t *testing.T) {
	testenv.SkipIfShort(t, "18 s of real time")
	a := start(t)
	body, file := io.Pipe()
	r := request(t, http.MethodPost, a.admin+base+"/imports", nil, "Authorization", "Bearer "+key, "Content-Type", "text/csv")
	r.Body = body
	go func() {
		defer file.Close()
		_, _ = io.WriteString(file, "email\n")
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for i := range 18 {
			<-ticker.C
			_, _ = fmt.Fprintf(file, "u%d@example.com\n", i)
		}
	}()
	if got := do(t, r); got.status != http.StatusAccepted || !strings.Contains(string(got.body), `"rows":18`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestConcurrentUploads: one upload for each API key, and four in all.
func TestConcurrentUploads(t *testing.T) {
	a := start(t, func(c *httpapi.Config) {
		for i := range 4 {
			name := fmt.Sprintf("key-of-client-%d", i)
			c.APIKeys = append(c.APIKeys, httpapi.APIKey{Name: name, SHA256: sha256.Sum256([]byte(name))})
		}
	})
	client := func(i int) []string { return []string{"Authorization", fmt.Sprintf("Bearer key-of-client-%d", i)} }
	refused := func(headers ...string) {
		t.Helper()
		got := a.upload("email\nx@example.com\n", "", headers...)
		if got.status != http.StatusTooManyRequests || got.errorID() != "too_many_requests" || got.header.Get("Retry-After") != "10" {
			t.Errorf("%d %v %s", got.status, got.header, got.body)
		}
	}
	var finish []func() answer
	for i := range 4 {
		_, end := a.beginUpload(client(i)...)
		finish = append(finish, end)
		refused(client(i)...)
	}
	refused() // the fifth in all
	for _, end := range finish {
		if got := end(); got.status != http.StatusAccepted {
			t.Errorf("%d %s", got.status, got.body)
		}
		a.importFile("email\ny@example.com\n", "")
	}
}

// TestLargeFile: a file that is too large is refused before it is read, or as soon as it
// exceeds the limit.
func TestLargeFile(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.MaxImportSize = 1 << 20 })
	const size = 100 << 20
	for _, length := range []int64{size, -1} {
		r := request(t, http.MethodPost, a.admin+base+"/imports", nil, "Authorization", "Bearer "+key, "Content-Type", "text/csv")
		r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("email\n"), io.LimitReader(endlessRows{}, size))), length
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			continue // disconnected while still sending, which is allowed
		}
		if res.StatusCode != http.StatusRequestEntityTooLarge || !res.Close {
			t.Errorf("length %d: %d, %v", length, res.StatusCode, res.Header)
		}
		res.Body.Close()
	}
	a.wantNothingKept()
	if read := a.read.Load(); read > 4<<20 {
		t.Errorf("%d MB were read", read>>20)
	}
}

// endlessRows is an endless file of one address.
type endlessRows struct{}

func (endlessRows) Read(p []byte) (int, error) { return copy(p, "ada@example.com\n"), nil }
