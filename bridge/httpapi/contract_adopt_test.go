package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// adoptions drives invitations of existing identities: every response is
// documented and names the field that would permit the invitation.
func (d *driver) adoptions(t *testing.T) {
	w := d.start(t)
	w.Kratos.Add("new@example.com", true)
	w.want("createInvitation", http.StatusConflict, "identity_already_active", object{"email": "new@example.com", "reactivate": true})
	w.want("createInvitation", http.StatusConflict, "identity_conflict", object{"identity_id": uuid.NewString()})
	w.Kratos.Add("unused@example.com", false)
	w.wantOrigin(object{"email": "unused@example.com"}, bridge.OriginAdopted)

	w.addIdentity(`{"email":"imported@example.com"}`, `{"password":{"config":{"password":"the-Secret-of-old"}}}`)
	imported := object{"email": "imported@example.com"}
	w.want("createInvitation", http.StatusConflict, "identity_has_credentials", imported)
	imported["reactivate"] = true
	w.wantOrigin(imported, bridge.OriginReactivated)

	w.addIdentity(`{"email":"two@example.com","second_email":"former@example.com"}`, "null")
	two := object{"email": "two@example.com"}
	w.want("createInvitation", http.StatusConflict, "identity_conflict", two)
	refused := w.asAdmin(http.MethodPost, "", two)
	if got, _ := refused.member("error", "details", "addresses"); fmt.Sprint(got) != "[former@example.com]" {
		t.Errorf("addresses: %v in %s", got, refused.body)
	}
	two["keep_addresses"] = true
	w.wantOrigin(two, bridge.OriginAdopted)
	d.reactivated(t)
}

// reactivated drives the invitation of a former account, whose codes may still be
// in mailboxes.
func (d *driver) reactivated(t *testing.T) {
	w := d.start(t)
	id := w.addIdentity(`{"email":"left@example.com"}`, "null")
	w.Kratos.ActivateByHand(id, "the-Secret-of-old")
	if err := w.Kratos.SetCredential(id, "totp", `{"totp_url":"otpauth://totp/x"}`); err != nil {
		t.Fatal(err)
	}
	w.Kratos.Deactivate(id)
	left := object{"email": "left@example.com"}
	w.want("createInvitation", http.StatusConflict, "identity_deactivated", left)
	left["reactivate"] = true
	w.issued = w.wantOrigin(left, bridge.OriginReactivated)
	for _, operation := range []string{"acceptInvitation", "confirmInvitation"} {
		w.want(operation, http.StatusConflict, "accept_too_early", w.body(operation))
	}
	w.Clock.Advance(time.Hour)
	accepted := do(t, request(t, http.MethodPost, w.public+base+"/"+w.issued.Token, w.body("acceptInvitation")))
	if _, shown := accepted.member("invitation", "identity_cleaned"); accepted.status != http.StatusOK || shown {
		t.Errorf("the invitee sees what was removed: %d %s", accepted.status, accepted.body)
	}
	got := w.asAdmin(http.MethodGet, "/"+w.issued.ID, nil)
	if cleaned, _ := got.member("identity_cleaned"); fmt.Sprint(cleaned) != "[password totp]" {
		t.Errorf("%v in %s", cleaned, got.body)
	}
}

// revokeDuringAccept revokes while an acceptance is in progress: it succeeds only
// if its write to Kratos had already begun.
func (d *driver) revokeDuringAccept(t *testing.T) {
	for name, c := range map[string]struct {
		held   string // method of the request to Kratos that is in flight
		status int    // of the acceptance
		id     string
		state  bridge.State
	}{
		"before the write": {http.MethodGet, http.StatusGone, "invitation_revoked", bridge.StateRevoked},
		"during the write": {http.MethodPut, http.StatusOK, "", bridge.StateAccepted},
	} {
		w := d.start(t)
		arrived, release := make(chan struct{}), make(chan struct{})
		accept := request(t, http.MethodPost, w.public+base+"/"+w.issued.Token, w.body("acceptInvitation"))
		w.Kratos.Inject(kratostest.Fault{
			Method: c.held, Route: kratostest.RouteIdentity, Times: 1, Arrived: func() { close(arrived) }, Hold: release,
		})
		accepted := make(chan answer)
		go func() { accepted <- do(t, accept) }()
		<-arrived
		for range 2 {
			w.want("revokeInvitation", http.StatusAccepted, "", nil)
		}
		if _, shown := w.asAdmin(http.MethodGet, "/"+w.issued.ID, nil).member("revoke_requested_at"); !shown {
			t.Errorf("%s: revoke_requested_at is missing", name)
		}
		for _, operation := range []string{"lookAtInvitation", "acceptInvitation", "confirmInvitation", "resendInvitation"} {
			w.want(operation, http.StatusGone, "invitation_revoked", w.body(operation))
		}
		close(release)
		if got := <-accepted; got.status != c.status || got.errorID() != c.id {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if state, _ := w.asAdmin(http.MethodGet, "/"+w.issued.ID, nil).member("state"); state != string(c.state) {
			t.Errorf("%s: state %v", name, state)
		}
	}

	// The acceptance has ended, and the outcome of its write is unknown.
	w := d.start(t)
	restore := w.Kratos.OnPut(bridgetest.CutBefore)
	w.want("acceptInvitation", http.StatusServiceUnavailable, "kratos_unavailable", w.body("acceptInvitation"))
	restore()
	w.want("revokeInvitation", http.StatusAccepted, "", nil)
	w.Clock.Advance(time.Minute)
	w.want("revokeInvitation", http.StatusOK, "", nil)
}

// addIdentity creates an inactive identity with the schema that has every
// credential type.
func (d *scenario) addIdentity(traits, credentials string) uuid.UUID {
	d.t.Helper()
	id, err := d.Kratos.Create(d.t.Context(), fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s,"credentials":%s}`,
		kratostest.MemberSchema, traits, credentials))
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// wantOrigin creates an invitation and checks its identity_origin.
func (d *scenario) wantOrigin(body any, origin bridge.Origin) (o issuedInvitation) {
	d.t.Helper()
	got := d.asAdmin(http.MethodPost, "", body)
	if shown, _ := got.member("identity_origin"); got.status != http.StatusCreated || shown != string(origin) {
		d.t.Fatalf("%v: %d %s", body, got.status, got.body)
	}
	got.into(d.t, &o)
	return o
}

// member returns the value at the path names in a JSON response.
func (a answer) member(names ...string) (value any, found bool) {
	if json.Unmarshal(a.body, &value) != nil {
		return nil, false
	}
	for _, name := range names {
		object, _ := value.(map[string]any)
		if value, found = object[name]; !found {
			return nil, false
		}
	}
	return value, true
}
