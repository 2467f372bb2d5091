package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestNamesAreNoLinks: what a mail program would make a link of is in no answer.
func TestNamesAreNoLinks(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email, "inviter_name": "Go to evil.com"})
	honest := a.invite(object{"email": "bob@example.com", "inviter_name": "J.R.R. Tolkien"})
	for door, answer := range map[string]answer{
		"look": a.asInvitee(http.MethodGet, "/"+o.Token, nil), "page": a.open(o.Token),
		"get": a.asAdmin(http.MethodGet, "/"+o.ID, nil), "list": a.asAdmin(http.MethodGet, "/", nil),
		"messages": a.asAdmin(http.MethodGet, "/"+o.ID+"/messages", nil),
	} {
		if answer.status != http.StatusOK || strings.Contains(string(answer.body), "evil") {
			t.Errorf("%s: %d %s", door, answer.status, answer.body)
		}
	}
	for door, answer := range map[string]answer{
		"look": a.asInvitee(http.MethodGet, "/"+honest.Token, nil), "page": a.open(honest.Token), "list": a.asAdmin(http.MethodGet, "/", nil),
	} {
		if !strings.Contains(string(answer.body), "J.R.R. Tolkien") {
			t.Errorf("%s does not show an honest name: %s", door, answer.body)
		}
	}
}
