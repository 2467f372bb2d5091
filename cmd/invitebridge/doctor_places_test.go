package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestDoctorPlaces: a store that serve could not have, and a login that leads
// nowhere.
func TestDoctorPlaces(t *testing.T) {
	kratos := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch place, _ := strings.CutPrefix(r.URL.Path, "/with-page"); {
		case place == "/login":
		case place == "/self-service/login/browser" && place != r.URL.Path:
			http.Redirect(w, r, "/with-page/login?flow=1", http.StatusSeeOther)
		case place == "/self-service/login/browser":
			http.Redirect(w, r, "http://user:CANARY@"+r.Host+"/nowhere?flow=CANARY", http.StatusSeeOther)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(kratos.Close)
	p := newPatient(startFakeBridge(t))
	const public, dsn = "INVITEBRIDGE_KRATOS_PUBLIC_URL=", "INVITEBRIDGE_DSN=bolt://"
	for _, c := range []struct{ name, environ, check, verdict, text string }{
		{"the bridge has it open", "", "dsn", verdictOK, "can be opened, or made"},
		{"no directory", dsn + "/nowhere/invites.db", "dsn", verdictProblem, "there is no directory /nowhere"},
		{"a directory", dsn + t.TempDir(), "dsn", verdictProblem, "the store file cannot be opened"},
		{"a page", public + kratos.URL + "/with-page", "login", verdictOK, "leads to a page"},
		{"no page", public + kratos.URL, "login", verdictWarning, kratos.URL + "/nowhere is not found"},
		{"no Kratos", public + closedAddress(t), "login", verdictWarning, "cannot be seen from here"},
		{"elsewhere", "INVITEBRIDGE_INVITATION_RETURN_TO=https://app.example.com/", "login", verdictOK, "https://app.example.com/"},
	} {
		_, findings, _ := p.examined([]string{c.environ})
		if found := of(findings, c.check); len(found) != 1 || found[0].Verdict != c.verdict || !strings.Contains(found[0].Message, c.text) {
			t.Errorf("%s: %+v", c.name, found)
		}
	}
}
