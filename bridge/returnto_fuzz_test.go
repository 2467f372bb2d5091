package bridge_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// FuzzReturnTo: an accepted return URL takes a browser to a configured place or
// below, and so does a server that decodes the path again and again and drops
// parameters.
func FuzzReturnTo(f *testing.F) {
	texts := []string{"https://desk.example/app", "https://other.example:8443", "http://[::1]:3000/x/", "myapp://callback", "https://plain.example:443/"}
	allowed, err := bridge.ParseReturnURLs(texts)
	if err != nil {
		f.Fatal(err)
	}
	var places []browserURL
	for _, text := range texts {
		p, ok := browse(text)
		if !ok {
			f.Fatalf("%q has no host", text)
		}
		places = append(places, p)
		f.Add(text)
	}
	for _, seed := range []string{
		`https:\\desk.example\app`, "https://desk.example/app/%2e%2e/admin", "https://desk.example/app/..%2fadmin", "https://desk.example/app%2Fadmin",
		"https://desk.example/%61pp/x|y?a=b#c", "https://desk.example@evil.com/app", "https://des%E2%84%AA.example/app", "myapp://callbac%E2%84%AA/x",
		"https:///desk.example/app", "https:desk.example/app", "https://desk.example:443/app", "HTTPS://DESK.EXAMPLE/app/", "java\tscript:alert(1)",
		"https://desk.example/app;x/y", "https://desk.example//app", "http://[::1]:3000/x/y", "https://other.example:8443//evil.com", "myapp:callback",
		"https://desk.example/app/..;/admin", "https://desk.example/app/%252e%252e/admin", "https://desk.example/app/%25252e./admin", "https://desk.example/app/..%3bx/admin",
		"https://desk.example/app/..%00/admin", "https://desk.example/app/%25zz/.%252e/..%255cadmin", "https://desk.example/app/%c0%ae./admin", "https://desk.example/app/100%2525",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := allowed.Check(text); err != nil {
			if !errors.Is(err, bridge.ErrReturnToNotAllowed) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		p, ok := browse(text)
		if climbs(p.segments) {
			t.Fatalf("%q is allowed, and a server could resolve it to a parent path", text)
		}
		if !ok || !slices.ContainsFunc(places, p.within) {
			t.Fatalf("%q is allowed, and a browser goes to %+v, %v", text, p, ok)
		}
	})
}

// climbs looks for dot segments as found by a server that decodes repeatedly
// and ignores parameters and control characters.
func climbs(segments []string) bool {
	for path := strings.Join(segments, "/"); ; {
		for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\`, "/"), "/") {
			segment, _, _ = strings.Cut(segment, ";")
			if strings.Trim(segment, "\x00\t\r\n ") == ".." {
				return true
			}
		}
		decoded := lenient(path)
		if decoded == path {
			return false
		}
		path = decoded
	}
}

// lenient decodes valid escapes and keeps invalid ones.
func lenient(path string) string {
	var out strings.Builder
	for path != "" {
		n := 1
		if len(path) >= 3 && path[0] == '%' {
			n = 3
		}
		piece, err := url.PathUnescape(path[:n])
		if err != nil {
			n, piece = 1, path[:1]
		}
		out.WriteString(piece)
		path = path[n:]
	}
	return out.String()
}
