package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// pendingInvitation is an invitation that inputs share until one accepts it.
type pendingInvitation struct {
	target *fuzzTarget
	issued *bridge.IssuedInvitation
}

func (a *pendingInvitation) token(t *testing.T) string {
	if a.issued == nil {
		o := a.target.newInvitation(t)
		a.issued = &o
	}
	return a.issued.Token.Reveal()
}

// check fails unless the invitation was accepted with that password, or else is
// unchanged.
func (a *pendingInvitation) check(t *testing.T, accepted bool, password string) {
	t.Helper()
	inv, err := a.target.Service.Get(t.Context(), a.issued.Invitation.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !accepted {
		if inv.State != bridge.StatePending || inv.Claim != nil {
			t.Fatalf("not accepted, but changed: %+v", inv)
		}
		return
	}
	a.issued = nil
	if err := a.target.Kratos.SignIn(t.Context(), inv.Email, password); err != nil || inv.State != bridge.StateAccepted {
		t.Fatalf("accepted with %q: state %s, sign-in: %v", password, inv.State, err)
	}
}

// FuzzAcceptBody: any body either sets the password that it contains, as another
// decoder reads it, or leaves the invitation unchanged.
func FuzzAcceptBody(f *testing.F) {
	a := &pendingInvitation{target: newFuzzTarget(f)}
	for _, seed := range []string{
		`{"password":"correct-Horse-7-battery"}`, `{"password":"correct-Horse","password":"correct-Horse"}`, `{"Password":"correct-Horse"}`,
		`{"password":"\u0000\ud83d\ude00 long enough"}`, `{"password":"\ud800 long enough"}`, "{\"password\":\"\xff\xfe long enough\"}", `{"password":7}`,
		`{"password":"` + strings.Repeat("ä", 37) + `"}`, `{"password":null}`, `{"password":"correct-Horse"}x`, ` {"password" : "a\/b\n\"c\\defgh"} `,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(strings.Replace(seed, "{", `{"invitation_token":"TOKEN",`, 1)), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, confirm bool) {
		token := a.token(t)
		target := base + "/" + token
		if confirm {
			target = base + "/confirm"
			body = []byte(strings.Replace(string(body), "TOKEN", token, 1))
		}
		before := a.target.counts()
		got := a.target.send(t, a.target.public, http.MethodPost, target, "", "application/json", body)
		if !isObject(body) && (got.status < 400 || a.target.counts() != before) {
			t.Fatalf("not a JSON object, but %d", got.status)
		}
		var sent struct {
			Password string `json:"password"`
		}
		_ = json.Unmarshal(body, &sent)
		a.check(t, got.status == http.StatusOK, sent.Password)
	})
}

// FuzzFormBody: any body either sets the password that it contains or leaves the
// invitation unchanged. A malformed form reaches neither the store nor Kratos.
func FuzzFormBody(f *testing.F) {
	a := &pendingInvitation{target: newFuzzTarget(f)}
	for _, seed := range []string{
		"password=correct-Horse-7-battery", "password=a+b%20c%2Bdefgh", "password=%ff%fe+long+enough", "password=%zz", "password=x&renew=1", "renew",
		"password=first-one-1&password=second-one-2", "a;b&password=correct-Horse", "password=%00%00%00%00%00%00%00%00", "password=short", "", "Password=correct-Horse", "=&&=",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		token := a.token(t)
		before := a.target.counts()
		got := a.target.send(t, a.target.public, http.MethodPost, "/invite/"+token, "", "application/x-www-form-urlencoded", body)
		screen := screenOf(got)
		if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || screen == "" {
			t.Fatalf("%d is not a page: %s", got.status, got.body)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil && (got.status < 400 || a.target.counts() != before) {
			t.Fatalf("not a form, but %d %s", got.status, screen)
		}
		a.check(t, screen == "accepted", form.Get("password"))
	})
}
