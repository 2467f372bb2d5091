package bridge_test

import (
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestInviteAgainPendingReactivated: an additional token opens the same as the
// first one, so each inviter asks for the account to be reactivated.
func TestInviteAgainPendingReactivated(t *testing.T) {
	w := bridgetest.New(t)
	used(t, w, w.Kratos.Add(email, false))
	first := invite(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	refused(t, err, bridge.ErrIdentityDeactivated)
	second := invite(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
	if second.Invitation.ID != first.Invitation.ID {
		t.Error("two invitations")
	}
}
