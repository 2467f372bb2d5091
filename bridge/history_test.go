package bridge_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

const auditEndpoint = "audit"

// audited adds an endpoint that gets each entry of each history.
func audited(c *bridge.Config) {
	c.EndpointsFor = func(event bridge.Event) []string {
		if event == bridge.EventHistoryEntry {
			return []string{auditEndpoint, auditEndpoint + "-2"}
		}
		return bridgetest.Endpoints(event)
	}
}

// historyOf returns the whole history of an invitation, oldest first.
func historyOf(t testing.TB, w *bridgetest.Harness, id uuid.UUID) (list []bridge.HistoryEntry) {
	t.Helper()
	for q := (bridge.HistoryQuery{InvitationID: id, Limit: 2}); ; {
		page, next, err := w.Service.History(t.Context(), bridge.Creator{}, q)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, page...)
		if q.Before = next; next == uuid.Nil {
			slices.Reverse(list)
			return list
		}
	}
}

func actionsOf(list []bridge.HistoryEntry) (actions []bridge.Action) {
	for _, e := range list {
		actions = append(actions, e.Action)
	}
	return actions
}

// streamed returns the entries that an endpoint is sent about an invitation, oldest
// first, and checks what comes with them.
func streamed(t testing.TB, w *bridgetest.Harness, endpoint string, id uuid.UUID) (list []bridge.HistoryEntry) {
	t.Helper()
	page, _, err := w.Service.Messages(t.Context(), bridge.MessageQuery{InvitationID: id, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page {
		p := m.Payload
		if m.Endpoint != endpoint {
			continue
		}
		if p.Type != bridge.EventHistoryEntry || p.Data.Entry == nil || p.Data.Invitation.ID != id || !p.Timestamp.Equal(p.Data.Entry.At) || p.Data.Token != "" || p.Data.Link != "" {
			t.Fatalf("streamed: %+v", p)
		}
		list = append(list, *p.Data.Entry)
	}
	slices.SortFunc(list, func(a, b bridge.HistoryEntry) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return list
}

func sameStream(t testing.TB, w *bridgetest.Harness, id uuid.UUID) {
	t.Helper()
	for _, endpoint := range []string{auditEndpoint, auditEndpoint + "-2"} {
		if diff := cmp.Diff(historyOf(t, w, id), streamed(t, w, endpoint, id)); diff != "" {
			t.Errorf("%s (-history +stream):\n%s", endpoint, diff)
		}
	}
}

// TestHistoryRunTwice: entries and their messages are written once, whatever the store
// has to repeat.
func TestHistoryRunTwice(t *testing.T) {
	w := bridgetest.New(t, audited)
	w.Store.RunTwice()
	var ids []uuid.UUID
	for n := range 3 {
		o, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: fmt.Sprintf("ada-%d@example.com", n)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.Invitation.ID)
	}
	w.Clock.Advance(time.Hour)
	if _, err := w.Service.Resend(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(24 * time.Hour)
	if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Expired != 3 {
		t.Fatal(swept, err)
	}
	for n, id := range ids {
		want := []bridge.Action{bridge.ActionInvited, bridge.ActionExpired}
		if n == 0 {
			want = []bridge.Action{bridge.ActionInvited, bridge.ActionResent, bridge.ActionExpired}
		}
		if got := actionsOf(historyOf(t, w, id)); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		sameStream(t, w, id)
	}
}

// TestHistoryRolledBack: a change that was not committed leaves no entry, and one whose
// commit only seemed to fail leaves it.
func TestHistoryRolledBack(t *testing.T) {
	w := bridgetest.New(t, audited)
	id := invite(t, w, bridge.InviteRequest{Email: email}).Invitation.ID
	w.Store.FailCommits(errors.New("the disk is full"))
	if _, err := w.Service.Revoke(t.Context(), id); !errors.Is(err, bridge.ErrStoreUnavailable) {
		t.Fatal(err)
	}
	w.Store.FailCommits(nil)
	want := []bridge.Action{bridge.ActionInvited}
	if got := actionsOf(historyOf(t, w, id)); !slices.Equal(got, want) {
		t.Errorf("after a failed commit: %v", got)
	}
	sameStream(t, w, id)
	w.Store.HideCommits(errors.New("no response"))
	if _, err := w.Service.Revoke(t.Context(), id); !errors.Is(err, bridge.ErrStoreUnavailable) {
		t.Fatal(err)
	}
	w.Store.HideCommits(nil)
	if got := actionsOf(historyOf(t, w, id)); !slices.Equal(got, append(want, bridge.ActionRevoked)) {
		t.Errorf("after an unknown commit: %v", got)
	}
	sameStream(t, w, id)
}

// TestHistoryWakes: endpoints of the stream are woken after each commit that has written
// an entry, also if its outcome is unknown, and after no other.
func TestHistoryWakes(t *testing.T) {
	woken := 0
	w := bridgetest.New(t, audited, func(c *bridge.Config) {
		c.Wake = func(endpoint string) {
			if endpoint == auditEndpoint {
				woken++
			}
		}
	})
	id := invite(t, w, bridge.InviteRequest{Email: email}).Invitation.ID
	if woken != 1 {
		t.Errorf("woken %d times by an invite", woken)
	}
	w.Store.HideCommits(errors.New("no response"))
	_, _ = w.Service.Revoke(t.Context(), id)
	w.Store.HideCommits(nil)
	if woken != 2 {
		t.Errorf("woken %d times after an unknown commit", woken)
	}
	if _, err := w.Service.Revoke(t.Context(), id); err != nil || woken != 2 {
		t.Errorf("woken %d times, %v, although nothing has changed", woken, err)
	}
}

// TestHistoryWithoutAudit: without an endpoint for it, no message is about the history.
func TestHistoryWithoutAudit(t *testing.T) {
	w := bridgetest.New(t)
	id := invite(t, w, bridge.InviteRequest{Email: email}).Invitation.ID
	if got := actionsOf(historyOf(t, w, id)); !slices.Equal(got, []bridge.Action{bridge.ActionInvited}) {
		t.Errorf("history: %v", got)
	}
	page, _, err := w.Service.Messages(t.Context(), bridge.MessageQuery{InvitationID: id, Limit: 500})
	for _, m := range page {
		if m.Payload.Type == bridge.EventHistoryEntry {
			t.Errorf("a message for %s", m.Endpoint)
		}
	}
	if err != nil || len(page) != 2 {
		t.Errorf("%d messages, %v", len(page), err)
	}
}

// TestHistoryPurged: entries are deleted with their invitation.
func TestHistoryPurged(t *testing.T) {
	w := bridgetest.New(t)
	id := invite(t, w, bridge.InviteRequest{Email: email}).Invitation.ID
	if _, err := w.Service.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(721 * time.Hour)
	if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Purged != 1 {
		t.Fatal(swept, err)
	}
	_, _, err := w.Service.History(t.Context(), bridge.Creator{}, bridge.HistoryQuery{InvitationID: id, Limit: 1})
	if !errors.Is(err, bridge.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	_ = w.Store.View(t.Context(), func(tx bridge.Tx) error {
		left, err := tx.ListHistory(bridge.HistoryQuery{InvitationID: id, Limit: 9})
		if len(left) != 0 || err != nil {
			t.Errorf("left: %v, %v", left, err)
		}
		return nil
	})
}
