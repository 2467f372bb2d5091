package page_test

import (
	"strings"
	"testing"

	"invitebridge/bridge/page"
	"invitebridge/bridge/page/pagetest"
)

// TestRules_visible: every rule in the list can be met while typing. The rule
// about leaks, which the page cannot check, is not in the list, and the maximum
// length is only while it is exceeded.
func TestRules_visible(t *testing.T) {
	v := full(page.ScreenForm)
	v.Policy.Breaches = breaches(0)
	p := newPage(t, page.Config{AccentColor: "#7a1f5c"})
	server := serve(t, p, v)
	const most, hidden = "[data-rule=max]", "form:has([data-rule=max][hidden])"
	tab := pagetest.Open(t, pagetest.Options{Dark: true})
	tab.Visit(server.URL)
	tab.Await(hidden)
	tab.See("we also check that it has not appeared in data leaks")
	for _, password := range []string{strings.Repeat("é", 36), strings.Repeat("x", 72)} {
		tab.Fill("#password", password+"x")
		tab.Await(most + ".broken")
		tab.See("At most 72 characters")
		tab.See("This password is too long")
		tab.Fill("#password", password)
		tab.Await(hidden)
		tab.Await("ul:has(li:not([hidden])):not(:has(li:not([hidden]):not(.met)))")
		tab.See("Good so far.")
	}
	for _, v := range pagetest.Check(tab) {
		t.Error(v)
	}
}
