package pagetest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const secret = "c2VjcmV0"

// site serves a page at /SECRET with extra headers, style sheets at *.css, and a
// picture at all other paths.
func site(t *testing.T, head, body string, headers map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		switch {
		case strings.HasSuffix(r.URL.Path, ".css"):
			w.Header().Set("Content-Type", "text/css")
		case strings.HasPrefix(r.URL.Path, "/"+secret):
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>A</title><link rel="icon" href="data:,">%s</head><body>%s</body></html>`, head, body)
		default:
			w.Header().Set("Content-Type", "image/svg+xml")
			_, _ = io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg"></svg>`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestLog(t *testing.T) {
	other := site(t, "", "", nil)
	for _, c := range []struct {
		name       string
		head, body string
		headers    map[string]string
		failed     string // the assertions that must fail
	}{
		{name: "one document"},
		{name: "another origin", body: `<img referrerpolicy="no-referrer" alt="" src="` + other + `/pixel">`, failed: "origin requests"},
		{name: "a Referer", body: `<img referrerpolicy="unsafe-url" alt="" src="/pixel">`, failed: "secret requests"},
		{name: "the secret in the URL of another origin", body: `<img referrerpolicy="no-referrer" alt="" src="` + other + `/pixel?` + secret + `">`, failed: "origin secret requests"},
		{name: "a blocking style", head: `<link referrerpolicy="no-referrer" rel="stylesheet" href="/a.css">`, failed: "blocked requests"},
		{name: "a violated policy", body: `<p style="color: red">`, headers: map[string]string{"Content-Security-Policy": "style-src 'none'"}, failed: "quiet"},
		{name: "an exception", body: `<script>throw new Error("no")</script>`, failed: "quiet"},
		{name: "a message", body: `<script>console.error("no")</script>`, failed: "quiet"},
		{name: "a label that labels nothing", body: `<form><label for="gone">A</label><input name="a"></form>`, failed: "quiet"},
		{name: "a heavy page", body: strings.Repeat("<p>heavy", 4000), failed: "weight"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin := site(t, c.head, c.body, c.headers)
			tab := Open(t, Options{})
			tab.Visit(origin + "/" + secret)
			l := tab.Log()
			var failed []string
			for _, assertion := range []struct {
				name string
				err  error
			}{
				{"origin", l.OneOrigin(origin)}, {"secret", l.Keeps(secret, origin)}, {"quiet", l.Quiet()},
				{"blocked", l.Unblocked()}, {"weight", l.Under(30_000)}, {"requests", l.Exactly(1)},
			} {
				if assertion.err != nil {
					t.Log(assertion.err)
					failed = append(failed, assertion.name)
				}
			}
			if got := strings.Join(failed, " "); got != c.failed {
				t.Errorf("%q failed, want %q", got, c.failed)
			}
		})
	}
}

// TestLogRequests: the log describes requests as the server received them.
func TestLogRequests(t *testing.T) {
	var seen http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusSeeOther)
			return
		}
		if r.URL.Path == "/new" {
			seen = r.Header.Clone()
			w.WriteHeader(http.StatusGone)
			_, _ = io.WriteString(w, `<!doctype html><title>Gone</title><link rel="icon" href="data:,">`) // otherwise browsers request an icon
		}
	}))
	t.Cleanup(s.Close)
	tab := Open(t, Options{Language: "de-DE"})
	tab.Visit(s.URL + "/old")
	l := tab.Log()
	if len(l.Requests) != 2 || l.Requests[0].Status != http.StatusSeeOther || l.Requests[1].Status != http.StatusGone {
		t.Fatalf("the log contains %+v", l.Requests)
	}
	got := l.Requests[1]
	if got.Header.Get("User-Agent") != seen.Get("User-Agent") || got.Header.Get("Accept-Language") != seen.Get("Accept-Language") || got.Type != "Document" {
		t.Errorf("the log contains %+v, the server received %v", got, seen)
	}
	if !strings.HasPrefix(seen.Get("Accept-Language"), "de-DE") || strings.Contains(seen.Get("User-Agent"), "Headless") {
		t.Errorf("the server received %v", seen)
	}
}
