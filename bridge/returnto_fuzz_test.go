package bridge_test

import (
	"errors"
	"slices"
	"testing"

	"invitebridge/bridge"
)

// FuzzReturnTo: where an invitee may be sent to, a browser finds itself at a
// configured place or below.
func FuzzReturnTo(f *testing.F) {
	texts := []string{"https://desk.example/app", "https://other.example:8443", "http://[::1]:3000/x/", "myapp://callback", "https://plain.example:443/"}
	allowed, err := bridge.ParseReturnURLs(texts)
	if err != nil {
		f.Fatal(err)
	}
	var places []place
	for _, text := range texts {
		p, ok := browse(text)
		if !ok {
			f.Fatalf("%q is read as no place", text)
		}
		places = append(places, p)
		f.Add(text)
	}
	for _, seed := range []string{
		`https:\\desk.example\app`, "https://desk.example/app/%2e%2e/admin", "https://desk.example/app/..%2fadmin", "https://desk.example/app%2Fadmin",
		"https://desk.example/%61pp/x|y?a=b#c", "https://desk.example@evil.com/app", "https://des%E2%84%AA.example/app", "myapp://callbac%E2%84%AA/x",
		"https:///desk.example/app", "https:desk.example/app", "https://desk.example:443/app", "HTTPS://DESK.EXAMPLE/app/", "java\tscript:alert(1)",
		"https://desk.example/app;x/y", "https://desk.example//app", "http://[::1]:3000/x/y", "https://other.example:8443//evil.com", "myapp:callback",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := allowed.Check(text); err != nil {
			if !errors.Is(err, bridge.ErrReturnTo) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		p, ok := browse(text)
		if !ok || !slices.ContainsFunc(places, p.within) {
			t.Fatalf("%q is allowed, and a browser goes to %+v, %v", text, p, ok)
		}
	})
}
