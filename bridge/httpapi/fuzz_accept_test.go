package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// acceptable is an invitation that inputs are tried on until one accepts it.
type acceptable struct {
	d     *door
	offer *bridge.Offer
}

func (a *acceptable) token(t *testing.T) string {
	if a.offer == nil {
		o := a.d.fresh(t)
		a.offer = &o
	}
	return a.offer.Token.Reveal()
}

// check says what must hold after an answer: accepted with that password, or as
// it was.
func (a *acceptable) check(t *testing.T, accepted bool, password string) {
	t.Helper()
	inv, err := a.d.Service.Get(t.Context(), a.offer.Invitation.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !accepted {
		if inv.State != bridge.StatePending || inv.Claim != nil {
			t.Fatalf("nobody accepted, and it is %+v", inv)
		}
		return
	}
	a.offer = nil
	if err := a.d.Kratos.SignIn(t.Context(), inv.Email, password); err != nil || inv.State != bridge.StateAccepted {
		t.Fatalf("accepted with %q: it is %s, and signing in: %v", password, inv.State, err)
	}
}

// FuzzAcceptBody: whatever an invitee posts sets the password in it, as another
// decoder reads it, or leaves the invitation as it was.
func FuzzAcceptBody(f *testing.F) {
	a := &acceptable{d: openDoor(f)}
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
		before := a.d.mark()
		got := a.d.send(t, a.d.public, http.MethodPost, target, "", "application/json", body)
		if !isObject(body) && (got.status < 400 || a.d.mark() != before) {
			t.Fatalf("no JSON object, and %d", got.status)
		}
		var sent struct {
			Password string `json:"password"`
		}
		_ = json.Unmarshal(body, &sent)
		a.check(t, got.status == http.StatusOK, sent.Password)
	})
}

// FuzzFormBody: the page's form sets the password in it, or leaves the
// invitation as it was; what cannot be read as a form reaches nothing.
func FuzzFormBody(f *testing.F) {
	a := &acceptable{d: openDoor(f)}
	for _, seed := range []string{
		"password=correct-Horse-7-battery", "password=a+b%20c%2Bdefgh", "password=%ff%fe+long+enough", "password=%zz", "password=x&renew=1", "renew",
		"password=first-one-1&password=second-one-2", "a;b&password=correct-Horse", "password=%00%00%00%00%00%00%00%00", "password=short", "", "Password=correct-Horse", "=&&=",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		token := a.token(t)
		before := a.d.mark()
		got := a.d.send(t, a.d.public, http.MethodPost, "/invite/"+token, "", "application/x-www-form-urlencoded", body)
		sight := sightOf(got)
		if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || sight == "" {
			t.Fatalf("%d is no page: %s", got.status, got.body)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil && (got.status < 400 || a.d.mark() != before) {
			t.Fatalf("no form, and %d %s", got.status, sight)
		}
		a.check(t, sight == "accepted", form.Get("password"))
	})
}
