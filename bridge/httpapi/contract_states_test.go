package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// states drives operations that the state of an invitation, its identity or a
// message forbids.
func (d *driver) states(t *testing.T) {
	d.terminalStates(t)
	d.identities(t)
	d.adoptions(t)
	d.acceptUnresolved(t)
	d.revokeDuringAccept(t)
	d.forgetDuringImport(t)

	w := d.start(t)
	w.deliver(bridgetest.Hook, bridge.SendResult{Outcome: bridge.AttemptSent})
	w.messageID = w.messageAt(bridgetest.Hook)
	w.want("retryMessage", http.StatusConflict, "message_not_failed", nil)
}

// messageAt returns the newest message of an endpoint.
func (d *scenario) messageAt(endpoint string) string {
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

func (d *driver) terminalStates(t *testing.T) {
	for id, end := range map[string]func(*scenario){
		"invitation_expired":  func(w *scenario) { w.Clock.Advance(25 * time.Hour) },
		"invitation_revoked":  func(w *scenario) { w.want("revokeInvitation", http.StatusOK, "", nil) },
		"invitation_accepted": func(w *scenario) { w.want("acceptInvitation", http.StatusOK, "", w.body("acceptInvitation")) },
	} {
		w := d.start(t)
		w.deliver("courier", bridge.SendResult{Outcome: bridge.AttemptFailed, Status: 550})
		w.messageID = w.messageAt("courier")
		end(w)
		w.wantAll(http.StatusGone, id, nil, w.defaultBody)
		for _, o := range loadContract().operations {
			w.send(o, nil, w.body(o.id)) // any response, but the checker requires it to be documented
		}
	}
}

func (d *driver) identities(t *testing.T) {
	w := d.start(t)
	w.Kratos.ActivateByHand(uuid.MustParse(w.issued.IdentityID), password)
	w.want("resendInvitation", http.StatusConflict, "identity_in_use", nil)
	w.want("getInvitation", http.StatusOK, "", nil) // it was revoked
	for _, operation := range []string{"acceptInvitation", "confirmInvitation"} {
		w := d.start(t)
		w.Kratos.ActivateByHand(uuid.MustParse(w.issued.IdentityID), password)
		w.want(operation, http.StatusGone, "invitation_revoked", w.body(operation))
	}

	w = d.start(t)
	w.Clock.Advance(25 * time.Hour)
	w.invite(object{"email": email}) // a newer one
	w.want("resendInvitation", http.StatusConflict, "identity_conflict", nil)
}

// acceptUnresolved drives operations while the outcome of an acceptance is
// unknown.
func (d *driver) acceptUnresolved(t *testing.T) {
	w := d.start(t)
	restore := w.Kratos.OnPut(bridgetest.CutBefore)
	w.want("acceptInvitation", http.StatusServiceUnavailable, "kratos_unavailable", w.body("acceptInvitation"))
	restore()
	for _, operation := range []string{"acceptInvitation", "confirmInvitation"} {
		w.want(operation, http.StatusConflict, "accept_in_progress", w.body(operation))
	}
	w.Clock.Advance(25 * time.Hour)
	w.want("resendInvitation", http.StatusConflict, "accept_in_progress", nil)
	w.want("createInvitation", http.StatusConflict, "accept_in_progress", object{"email": email})
}

// forgetDuringImport drives a removal while an acceptance is in progress, and while an
// import has begun a row of the address.
func (d *driver) forgetDuringImport(t *testing.T) {
	w := d.start(t)
	restore := w.Kratos.OnPut(bridgetest.CutBefore)
	w.want("acceptInvitation", http.StatusServiceUnavailable, "kratos_unavailable", w.body("acceptInvitation"))
	restore()
	w.want("deleteInvitation", http.StatusConflict, "accept_in_progress", nil)

	w = d.start(t)
	w.importFile("email\nnew@example.com\n", "")
	w.Kratos.Down()
	if _, err := w.Service.RunImports(t.Context()); err != nil { // the row is begun, and waits
		t.Fatal(err)
	}
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.CloseIdleConnections()
	w.issued = w.invite(object{"email": "new@example.com"})
	w.want("deleteInvitation", http.StatusConflict, "identity_conflict", nil)
}
