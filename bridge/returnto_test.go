package bridge_test

import (
	"errors"
	"strings"
	"testing"

	"invitebridge/bridge"
)

func TestReturnURLs(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://good.com/app", "https://other.example:8443", "myapp://callback", "com.example.app:/cb"})
	if err != nil {
		t.Fatal(err)
	}
	for _, valid := range []string{
		"https://good.com/app", "https://good.com/app/", "https://good.com/app/welcome?x=1#top", "https://GOOD.com/app/x",
		"https://other.example:8443", "https://other.example:8443/any", "myapp://callback/done",
		"com.example.app:/cb", "com.example.app:/cb/done?x=1", "COM.example.app:/cb",
	} {
		if err := allowed.Check(valid); err != nil {
			t.Errorf("%q: %v", valid, err)
		}
	}
	for _, invalid := range []string{
		"", "/app", "//evil.com", `/\evil.com`, `https:\\good.com\app`, "https:///good.com/app", "https:good.com/app",
		"http://good.com/app", "https://good.com", "https://good.com/", "https://good.com/apple", "https://good.com/app/../admin",
		"https://good.com/app/%2e%2e/admin", "https://good.com/app/%5c..", `https://good.com/app\@evil.com`,
		"https://good.com.evil/app", "https://good.com@evil.com/app", "https://user@good.com/app", "https://user:pw@good.com/app",
		"https://evil.com/https://good.com/app", "https://good.com:444/app", "https://other.example/any",
		"javascript:alert(1)", "JavaScript://good.com/app%0aalert(1)", "data:text/html,x", "https://good.com/app\n", "https://good.com/app ",
		"\thttps://good.com/app", "https://good.com/app\u2028", "https://good.com//app", "https://good.com/app//evil.com", "https://good%2ecom/app",
		"https://good.com/app%2Fwelcome", "https://good.com/app/a%2f|b", "myapp://callbac%E2%84%AA/done",
		"com.example.app:/other", "com.example.app:cb", "com.example.app:///cb", "com.example.app://cb", "com.example.app:/cb/../x", "com.example.evil:/cb",
		"myapp:/callback", "https:/good.com/app", "com.example.app:/cb//x", `com.example.app:/cb\x`,
	} {
		if err := allowed.Check(invalid); !errors.Is(err, bridge.ErrReturnToNotAllowed) {
			t.Errorf("%q: %v", invalid, err)
		}
	}
}

// TestReturnURLsLeadNowhereElse: what a server behind the browser could read as
// a dot segment is refused; what only resembles one is not.
func TestReturnURLsLeadNowhereElse(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://good.com/app"})
	if err != nil {
		t.Fatal(err)
	}
	for _, segment := range []string{
		"..", ".", "..;", ".;", "..;x=1", "..;/x", "%2e%2e", ".%2e", "%2E.", "%2e", "%252e%252e", "%252E.", ".%252e", "%25252e%25252e", "%2525252525252e%2e",
		"%25252e", "..%3b", "..%3bx", "..%253b", "..%00", "..%2500", "%00..", ".%00.", "..%20", "..%09", "..%0a", "%0d..", "..%7f", "..%3f", "..%3fx", "..%23", "..%2523x", "%2e%2e%3b%00",
		"..%5c", "..%255c", "x%255c..", "..%252f", "x%252f..%252fy", "%252f..", "%c0%ae%c0%ae", "%25c0%25ae.", "%e0%80%ae.", "%25u002e%25u002e", "%25u002E.",
		"%ef%bc%8e%ef%bc%8e", "%e2%80%a4.", "%25zz/%252e%252e", "%2%35%32e.", "%25" + strings.Repeat("25", 20) + "2e", "%25" + strings.Repeat("25", 20) + "41",
	} {
		for _, text := range []string{"https://good.com/app/" + segment, "https://good.com/app/" + segment + "/admin", "https://good.com/app/a/" + segment + "?x=1"} {
			if err := allowed.Check(text); !errors.Is(err, bridge.ErrReturnToNotAllowed) {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
	for _, path := range []string{
		"...", "..x", "x..", ".well-known/x", ".x;y", "a.b", "a;..", "a%20b", "%e5%b1%b1", "100%25", "100%2525", "a%3bb", "x?next=../y&z=%2e%2e", "x#/../y", "%252fx", "a%2541",
	} {
		if err := allowed.Check("https://good.com/app/" + path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestNothingIsAllowedByDefault(t *testing.T) {
	if err := (bridge.ReturnURLs)(nil).Check("https://good.com/"); !errors.Is(err, bridge.ErrReturnToNotAllowed) {
		t.Errorf("got %v", err)
	}
}
