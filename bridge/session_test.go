package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestAcceptWithSession: a session is created after the acceptance, if sessions are
// offered; a failure leaves the acceptance as it is.
func TestAcceptWithSession(t *testing.T) {
	for name, inactive := range map[string]bool{"signed in": false, "deactivated meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t, func(c *bridge.Config) { c.Sessions = true })
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			if inactive {
				w.Store.FailUpdates(func(nth int) error {
					if nth == 3 { // the commit of the outcome
						w.Kratos.Deactivate(offer.Invitation.IdentityID)
					}
					return nil
				})
			}
			done, err := w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), bridge.AcceptParams{
				Method: bridge.AcceptPassword, Password: password, SignIn: &bridge.Device{UserAgent: "app/1.0", IP: "192.0.2.7"},
			})
			if err != nil || done.Invitation.State != bridge.StateAccepted {
				t.Fatalf("got %+v, %v", done, err)
			}
			if (done.Session == nil) != inactive || done.Session != nil && !w.Kratos.SessionWorks(done.Session.Reveal()) {
				t.Errorf("the session is %v", done.Session)
			}
		})
	}
}

// TestSecretsOfAcceptancePrintAsPlaceholders: no way of printing an acceptance shows
// its code or its session.
func TestSecretsOfAcceptancePrintAsPlaceholders(t *testing.T) {
	session := bridge.NewSession("ory_st_secret")
	a := bridge.Acceptance{Recovery: &bridge.RecoveryFlow{ID: uuid.New(), Code: bridge.NewCode("824153")}, Session: &session}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{*a.Recovery, a.Recovery.Code, *a.Session} {
			if text := fmt.Sprintf(format, value); strings.Contains(text, "824153") || strings.Contains(text, "ory_st_secret") {
				t.Errorf("%s prints %s", format, text)
			}
		}
	}
}
