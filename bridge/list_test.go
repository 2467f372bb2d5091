package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

func TestList(t *testing.T) {
	w := bridgetest.New(t)
	var ids []uuid.UUID
	for i := range 5 {
		offer := invite(t, w, bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i), InviterID: fmt.Sprint("i", i%2), ExpiresIn: time.Duration(i+1) * time.Hour})
		ids = append([]uuid.UUID{offer.Invitation.ID}, ids...) // newest first
	}
	list := func(q bridge.InvitationQuery) (got []uuid.UUID) {
		for {
			page, next, err := w.Service.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, inv := range page {
				got = append(got, inv.ID)
			}
			if q.Before = next; next == uuid.Nil {
				return got
			}
		}
	}
	same := func(name string, got, want []uuid.UUID) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
	same("all", list(bridge.InvitationQuery{Limit: 2}), ids)
	same("by email", list(bridge.InvitationQuery{Limit: 2, Email: "U3@Example.com"}), ids[1:2])
	same("by inviter", list(bridge.InvitationQuery{Limit: 1, InviterID: "i1"}), []uuid.UUID{ids[1], ids[3]})
	w.Clock.Advance(2 * time.Hour) // the two oldest expire
	same("pending, before the sweep", list(bridge.InvitationQuery{Limit: 2, State: bridge.StatePending}), ids[:3])
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	same("pending", list(bridge.InvitationQuery{Limit: 2, State: bridge.StatePending}), ids[:3])
	same("expired", list(bridge.InvitationQuery{Limit: 2, State: bridge.StateExpired}), ids[3:])
	same("expired by inviter", list(bridge.InvitationQuery{Limit: 2, State: bridge.StateExpired, InviterID: "i1"}), ids[3:4])
}
