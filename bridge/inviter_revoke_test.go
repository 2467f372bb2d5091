package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestRevokeOfInactive: the pending invitations of inviters who were deactivated or deleted
// are revoked within five minutes, and no others.
func TestRevokeOfInactive(t *testing.T) {
	for _, on := range []bool{true, false} {
		w := bridgetest.New(t, func(c *bridge.Config) { c.Inviters.RevokeOnDeactivation = on })
		invite := func(by bridge.Creator) uuid.UUID {
			t.Helper()
			o, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: uuid.NewString() + "@example.com", CreatedBy: by})
			if err != nil {
				t.Fatal(err)
			}
			return o.Invitation.ID
		}
		active, left, gone := w.Kratos.Add("active@example.com", true), w.Kratos.Add("left@example.com", true), w.Kratos.Add("gone@example.com", true)
		kept := []uuid.UUID{invite(bridge.BySession(active)), invite(bridge.ByKey("backend")), invite(bridge.Creator{}), invite(bridge.ByKey(left.String()))}
		lost := []uuid.UUID{invite(bridge.BySession(left)), invite(bridge.BySession(left)), invite(bridge.BySession(gone))}
		for range 250 { // more than a page of inviters
			kept = append(kept, invite(bridge.BySession(active)))
			other := w.Kratos.Add(uuid.NewString()+"@example.com", true)
			kept = append(kept, invite(bridge.BySession(other)))
		}
		sweep(t, w)
		w.Kratos.Deactivate(left)
		w.Kratos.Remove(gone)
		w.Clock.Advance(5*time.Minute - time.Second)
		sweep(t, w)
		w.Kratos.Down()
		w.Clock.Advance(time.Second)
		if _, err := w.Service.Sweep(t.Context()); on && err == nil {
			t.Error("no error while Kratos is down")
		}
		if inv := get(t, w, lost[0]); inv.State != bridge.StatePending {
			t.Errorf("while Kratos is down: %s", inv.State)
		}
		if err := w.Kratos.Up(); err != nil {
			t.Fatal(err)
		}
		w.CloseIdleConnections()
		w.Clock.Advance(5 * time.Minute)
		sweep(t, w)
		for _, id := range kept {
			if inv := get(t, w, id); inv.State != bridge.StatePending {
				t.Errorf("%v: %s", inv.CreatedBy, inv.State)
			}
		}
		for _, id := range lost {
			inv := get(t, w, id)
			if revoked := inv.State == bridge.StateRevoked && inv.Reason == bridge.ReasonInviter; revoked != on {
				t.Errorf("%v: %s %s", inv.CreatedBy, inv.State, inv.Reason)
			}
		}
	}
}

// TestRevokeOfInactive_unreadable: an inviter whom Kratos cannot show stops nobody.
func TestRevokeOfInactive_unreadable(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Inviters.RevokeOnDeactivation = true })
	sick, err := w.Kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":"default","traits":{"email":"sick@example.com"},"metadata_public":{"picture":%q}}`,
		strings.Repeat("x", 2<<20))) // more than is read
	noError(t, err)
	var lost []uuid.UUID
	for n := range 9 {
		inviter := sick
		if n > 0 {
			inviter = w.Kratos.Add(uuid.NewString()+"@example.com", true)
		}
		o, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: uuid.NewString() + "@example.com", CreatedBy: bridge.BySession(inviter)})
		noError(t, err)
		if n > 0 {
			w.Kratos.Deactivate(inviter)
			lost = append(lost, o.Invitation.ID)
		}
	}
	w.Clock.Advance(5 * time.Minute)
	if _, err := w.Service.Sweep(t.Context()); err == nil {
		t.Error("no error about the one that cannot be read")
	}
	for _, id := range lost {
		if inv := get(t, w, id); inv.State != bridge.StateRevoked {
			t.Errorf("%v: %s", inv.CreatedBy, inv.State)
		}
	}
}
