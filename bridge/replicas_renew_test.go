package bridge_test

import (
	"testing"
	"time"

	"invitebridge/bridge"
)

// TestReplicasRenewTakesNoGlobalLock: an invitee is not kept waiting by an update of
// another replica that reads lists, because those exclude each other.
func TestReplicasRenewTakesNoGlobalLock(t *testing.T) {
	first, second := replicas(t)
	offer := invite(t, first, bridge.InviteRequest{Email: email})
	first.Clock.Advance(day)
	reading, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- first.Store.Update(t.Context(), func(tx bridge.Tx) error {
			nobody := bridge.InvitationQuery{Email: "nobody@example.com", Limit: 1}
			_, err := tx.ListInvitations(nobody)
			for close(reading); err == nil; _, err = tx.ListInvitations(nobody) { // PostgreSQL ends an idle transaction
				select {
				case <-release:
					return nil
				case <-time.After(100 * time.Millisecond):
				}
			}
			return err
		})
	}()
	<-reading
	renew(t, second, offer.Token.Reveal())
	if state := stateOf(t, second, offer); state != bridge.StatePending {
		t.Errorf("it is %s", state)
	}
	close(release)
	noError(t, <-done)
}

// TestReplicasRenewAfterRevocation: the inviter revokes the newest invitation of the
// address on another replica, while an older one is about to be renewed. That decision
// counts.
func TestReplicasRenewAfterRevocation(t *testing.T) {
	first, second := replicas(t)
	old := invite(t, first, bridge.InviteRequest{Email: email})
	first.Clock.Advance(day)
	newer := invite(t, first, bridge.InviteRequest{Email: email})
	first.Clock.Advance(day)
	if _, err := first.Service.ExpireDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := emailsSent(t, first)
	waiting, resume := suspended(first, 1)
	renewed := make(chan error, 1)
	go func() { renewed <- first.Service.Renew(t.Context(), old.Token.Reveal()) }()
	<-waiting
	_, err := second.Service.Revoke(t.Context(), newer.Invitation.ID)
	noError(t, err)
	resume()
	noError(t, <-renewed)
	if state := stateOf(t, second, old); state != bridge.StateExpired || emailsSent(t, second) != before {
		t.Errorf("it is %s, %d emails", state, emailsSent(t, second)-before)
	}
}

// TestReplicasRenewBesideInvite: while another replica invites the address, nothing is
// renewed. Afterwards that invitation is the newest.
func TestReplicasRenewBesideInvite(t *testing.T) {
	first, second := replicas(t)
	old := invite(t, first, bridge.InviteRequest{Email: email})
	first.Clock.Advance(day)
	if _, err := first.Service.ExpireDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting, resume := suspended(first, 1)
	inviting := startInvite(first, bridge.InviteRequest{Email: email})
	<-waiting
	renew(t, second, old.Token.Reveal())
	resume()
	result := <-inviting
	noError(t, result.err)
	second.Clock.Advance(time.Hour)
	renew(t, second, old.Token.Reveal())
	if state := stateOf(t, second, old); state != bridge.StateExpired || stateOf(t, second, result.issued) != bridge.StatePending {
		t.Errorf("the old one is %s", state)
	}
}
