package httpapi_test

import (
	"net/http"
	"testing"
)

// TestSpacesAroundAddresses: whitespace around an address is ignored wherever an
// address is accepted.
func TestSpacesAroundAddresses(t *testing.T) {
	a := start(t)
	first := a.invite(object{"email": "\t " + email + "\u00a0", "traits": object{"email": email + " "}, "inviter_email": " grace@example.com\u3000"})
	if again := a.invite(object{"email": email}); again.ID != first.ID {
		t.Errorf("two invitations, %s and %s", first.ID, again.ID)
	}
	var listed []struct{ Email string }
	for _, query := range []string{"?email=%20ada@example.com%09", "?email=ada@example.com%C2%A0", "?email=+ada%40example.com++"} {
		if a.asAdmin(http.MethodGet, "/"+query, nil).into(t, &listed); len(listed) != 1 || listed[0].Email != email {
			t.Errorf("%s lists %v", query, listed)
		}
	}
	const number = "+4915123456789@carrier.example"
	a.invite(object{"email": number[1:]})
	a.invite(object{"email": number})
	for _, query := range []string{"?email=" + number, "?email=%20" + number, "?email=" + number + "+", "?email=%2B" + number[1:]} {
		if a.asAdmin(http.MethodGet, "/"+query, nil).into(t, &listed); len(listed) != 1 || listed[0].Email != number {
			t.Errorf("%s lists %v", query, listed)
		}
	}
	for _, one := range []string{"ada@example.com\n", "\r\nada@example.com", "ada @example.com", "ada@example.com eve@example.com", " "} {
		if got := a.asAdmin(http.MethodPost, "/", object{"email": one}); got.errorID() != "email_invalid" {
			t.Errorf("%q: %d %s", one, got.status, got.body)
		}
		if got := a.asAdmin(http.MethodPost, "/", object{"email": email, "inviter_email": one}); got.errorID() != "bad_request" {
			t.Errorf("inviter_email %q: %d %s", one, got.status, got.body)
		}
	}
}
