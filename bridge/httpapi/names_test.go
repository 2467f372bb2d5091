package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestInviterNameIsNotALink: no response contains an inviter's name that a mail
// program would turn into a link.
func TestInviterNameIsNotALink(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email, "inviter_name": "Go to evil.com"})
	honest := a.invite(object{"email": "bob@example.com", "inviter_name": "J.R.R. Tolkien"})
	for operation, answer := range map[string]answer{
		"preview": a.asInvitee(http.MethodGet, "/"+o.Token, nil), "page": a.open(o.Token),
		"get": a.asAdmin(http.MethodGet, "/"+o.ID, nil), "list": a.asAdmin(http.MethodGet, "/", nil),
		"messages": a.asAdmin(http.MethodGet, "/"+o.ID+"/messages", nil),
	} {
		if answer.status != http.StatusOK || strings.Contains(string(answer.body), "evil") {
			t.Errorf("%s: %d %s", operation, answer.status, answer.body)
		}
	}
	for operation, answer := range map[string]answer{
		"preview": a.asInvitee(http.MethodGet, "/"+honest.Token, nil), "page": a.open(honest.Token), "list": a.asAdmin(http.MethodGet, "/", nil),
	} {
		if !strings.Contains(string(answer.body), "J.R.R. Tolkien") {
			t.Errorf("%s does not show an honest name: %s", operation, answer.body)
		}
	}
}
