package bridge_test

import (
	"cmp"

	"invitebridge/bridge"
)

// checkHistory compares the history of an invitation with its state.
func (h *history) checkHistory(tx bridge.Tx, inv bridge.Invitation) error {
	entries, err := tx.ListHistory(bridge.HistoryQuery{InvitationID: inv.ID, Limit: 1000})
	counts, last := map[bridge.Action]int{}, bridge.State("")
	for _, e := range entries { // the newest first
		counts[e.Action]++
		state := map[bridge.Action]bridge.State{
			bridge.ActionInvited: bridge.StatePending, bridge.ActionResent: bridge.StatePending, bridge.ActionAccepted: bridge.StateAccepted,
			bridge.ActionExpired: bridge.StateExpired, bridge.ActionRevoked: bridge.StateRevoked,
		}[e.Action]
		last = cmp.Or(last, state)
	}
	switch {
	case last != inv.State,
		counts[bridge.ActionInvited] != 1,
		counts[bridge.ActionReminded] != inv.ReminderCount,
		counts[bridge.ActionAccepted] != count(inv.State == bridge.StateAccepted),
		counts[bridge.ActionRevoked] != count(!inv.RevokedAt.IsZero()),
		counts[bridge.ActionRevokeRequested] != count(!inv.RevokeRequestedAt.IsZero()),
		counts[bridge.ActionIdentityCleaned] != count(!inv.CleaningBeganAt.IsZero()),
		counts[bridge.ActionResent] < inv.Epoch:
		h.broken("%s is %s, and its history is %v", inv.ID, inv.State, counts)
	}
	return err
}
