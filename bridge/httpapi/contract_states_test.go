package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// states drives operations into what the state of an invitation, of its
// identity or of a message forbids.
func (d *driver) states(t *testing.T) {
	d.ended(t)
	d.identities(t)
	d.adoptions(t)
	d.underWay(t)
	d.revokedMeanwhile(t)

	w := d.start(t)
	w.deliver(bridgetest.Hook, bridge.Result{Outcome: bridge.Sent})
	w.messageID = w.messageAt(bridgetest.Hook)
	w.want("retryMessage", http.StatusConflict, "message_not_failed", nil)
}

// messageAt gives the newest message of an endpoint.
func (d *driven) messageAt(endpoint string) string {
	d.t.Helper()
	var page []struct{ ID, Endpoint string }
	d.asAdmin(http.MethodGet, "/messages", nil).into(d.t, &page)
	for _, m := range page {
		if m.Endpoint == endpoint {
			return m.ID
		}
	}
	d.t.Fatalf("%s has no message", endpoint)
	return ""
}

func (d *driver) ended(t *testing.T) {
	for id, end := range map[string]func(*driven){
		"invitation_expired":  func(w *driven) { w.Clock.Advance(25 * time.Hour) },
		"invitation_revoked":  func(w *driven) { w.want("revokeInvitation", http.StatusOK, "", nil) },
		"invitation_accepted": func(w *driven) { w.want("acceptInvitation", http.StatusOK, "", w.body("acceptInvitation")) },
	} {
		w := d.start(t)
		w.deliver("courier", bridge.Result{Outcome: bridge.Failed, Status: 550})
		w.messageID = w.messageAt("courier")
		end(w)
		w.all(http.StatusGone, id, nil, w.usual)
		for _, o := range theContract().operations {
			w.ask(o, nil, w.body(o.id)) // whatever is answered: it has to be documented
		}
	}
}

func (d *driver) identities(t *testing.T) {
	w := d.start(t)
	w.Kratos.ActivateByHand(uuid.MustParse(w.addressee.IdentityID), password)
	w.want("resendInvitation", http.StatusConflict, "identity_in_use", nil)
	w.want("getInvitation", http.StatusOK, "", nil) // it is closed
	for _, operation := range []string{"acceptInvitation", "confirmInvitation"} {
		w := d.start(t)
		w.Kratos.ActivateByHand(uuid.MustParse(w.addressee.IdentityID), password)
		w.want(operation, http.StatusGone, "invitation_revoked", w.body(operation))
	}

	w = d.start(t)
	w.Clock.Advance(25 * time.Hour)
	w.invite(object{"email": email}) // a newer one
	w.want("resendInvitation", http.StatusConflict, "identity_conflict", nil)
}

// underWay: an acceptance was begun, and nobody knows what came of it.
func (d *driver) underWay(t *testing.T) {
	w := d.start(t)
	mend := w.Kratos.OnPut(bridgetest.CutBefore)
	w.want("acceptInvitation", http.StatusServiceUnavailable, "kratos_unavailable", w.body("acceptInvitation"))
	mend()
	for _, operation := range []string{"acceptInvitation", "confirmInvitation"} {
		w.want(operation, http.StatusConflict, "accept_in_progress", w.body(operation))
	}
	w.Clock.Advance(25 * time.Hour)
	w.want("resendInvitation", http.StatusConflict, "accept_in_progress", nil)
	w.want("createInvitation", http.StatusConflict, "accept_in_progress", object{"email": email})
}
