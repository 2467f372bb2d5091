package bridge_test

import (
	"errors"
	"testing"

	"invitebridge/bridge"
)

func TestReturnURLs(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://good.com/app", "https://other.example:8443", "myapp://callback"})
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{
		"https://good.com/app", "https://good.com/app/", "https://good.com/app/welcome?x=1#top", "https://GOOD.com/app/x",
		"https://other.example:8443", "https://other.example:8443/any", "myapp://callback/done",
	} {
		if err := allowed.Check(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "/app", "//evil.com", `/\evil.com`, `https:\\good.com\app`, "https:///good.com/app", "https:good.com/app",
		"http://good.com/app", "https://good.com", "https://good.com/", "https://good.com/apple", "https://good.com/app/../admin",
		"https://good.com/app/%2e%2e/admin", "https://good.com/app/%5c..", `https://good.com/app\@evil.com`,
		"https://good.com.evil/app", "https://good.com@evil.com/app", "https://user@good.com/app", "https://user:pw@good.com/app",
		"https://evil.com/https://good.com/app", "https://good.com:444/app", "https://other.example/any",
		"javascript:alert(1)", "JavaScript://good.com/app%0aalert(1)", "data:text/html,x", "https://good.com/app\n", "https://good.com/app ",
		"\thttps://good.com/app", "https://good.com/app\u2028", "https://good.com//app", "https://good.com/app//evil.com", "https://good%2ecom/app",
		"https://good.com/app%2Fwelcome", "https://good.com/app/a%2f|b", "myapp://callbac%E2%84%AA/done",
	} {
		if err := allowed.Check(bad); !errors.Is(err, bridge.ErrReturnTo) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNothingIsAllowedByDefault(t *testing.T) {
	if err := (bridge.ReturnURLs)(nil).Check("https://good.com/"); !errors.Is(err, bridge.ErrReturnTo) {
		t.Errorf("got %v", err)
	}
}
