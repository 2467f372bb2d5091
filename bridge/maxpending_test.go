package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

var creator = bridge.ByKey("shop")

// pendingOf returns how many invitations by the creator are pending.
func pendingOf(t *testing.T, w *bridgetest.Harness) (n int) {
	t.Helper()
	noError(t, w.Store.View(t.Context(), func(tx bridge.Tx) (err error) {
		n, err = tx.CountPending(creator, 1000)
		return err
	}))
	return n
}

// inviteMany invites addresses by the creator at the same time, each by one of the
// bridges. It returns how many were created; the others were too many.
func inviteMany(t *testing.T, maxPending, callers int, bridges ...*bridgetest.Harness) (created int) {
	t.Helper()
	var all sync.WaitGroup
	errs := make([]error, callers)
	for n := range callers {
		all.Go(func() {
			_, errs[n] = bridges[n%len(bridges)].Service.Invite(context.WithoutCancel(t.Context()),
				bridge.InviteRequest{Email: fmt.Sprintf("p%d@example.com", n), CreatedBy: creator, MaxPending: maxPending})
		})
	}
	all.Wait()
	for _, err := range errs {
		if err == nil {
			created++
		} else {
			refused(t, err, bridge.ErrTooManyPending)
		}
	}
	return created
}

// heldCall makes the next call of a method and a route wait: waiting returns once it has
// arrived, resume lets it go on.
func heldCall(w *bridgetest.Harness, method, route string) (waiting <-chan struct{}, resume func()) {
	arrived, gate := make(chan struct{}), make(chan struct{})
	w.Kratos.Inject(kratostest.Fault{Method: method, Route: route, Times: 1, Arrived: func() { close(arrived) }, Hold: gate})
	return arrived, func() { close(gate) }
}

// TestMaxPending_lateRefusal: an invite that becomes one too many after it was checked is
// refused by the update that would store it, and deletes the identity that it made.
func TestMaxPending_lateRefusal(t *testing.T) {
	w := bridgetest.New(t)
	waiting, resume := heldCall(w, http.MethodPost, kratostest.RouteIdentities)
	inviting := startInvite(w, bridge.InviteRequest{Email: email, CreatedBy: creator, MaxPending: 1})
	<-waiting
	other := invite(t, w, bridge.InviteRequest{Email: "grace@example.com", CreatedBy: creator, MaxPending: 1})
	resume()
	refused(t, (<-inviting).err, bridge.ErrTooManyPending)
	if n := pendingOf(t, w); n != 1 || w.Kratos.Len() != 1 || !w.Kratos.Exists(other.Invitation.IdentityID) {
		t.Errorf("%d are pending, %d identities", n, w.Kratos.Len())
	}
}

// TestMaxPending_adopted: an identity that existed is not deleted by such a refusal.
func TestMaxPending_adopted(t *testing.T) {
	w := bridgetest.New(t)
	id := w.Kratos.Add(email, false)
	waiting, resume := heldCall(w, http.MethodPatch, kratostest.RouteIdentity) // of the mark
	inviting := startInvite(w, bridge.InviteRequest{Email: email, CreatedBy: creator, MaxPending: 1})
	<-waiting
	other := invite(t, w, bridge.InviteRequest{Email: "grace@example.com", CreatedBy: creator, MaxPending: 1})
	resume()
	refused(t, (<-inviting).err, bridge.ErrTooManyPending)
	if !w.Kratos.Exists(id) {
		t.Error("the identity was deleted")
	}
	if _, err := w.Service.Revoke(t.Context(), other.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	if o := invite(t, w, bridge.InviteRequest{Email: email, CreatedBy: creator, MaxPending: 1}); o.Invitation.IdentityID != id {
		t.Errorf("%s was invited, not %s", o.Invitation.IdentityID, id)
	}
}

// TestMaxPending_atOnce: invites at the same time do not exceed the maximum.
func TestMaxPending_atOnce(t *testing.T) {
	w := bridgetest.New(t)
	const most = 7
	if created := inviteMany(t, most, 60, w); created != most || pendingOf(t, w) != most || w.Kratos.Len() != most {
		t.Errorf("%d created, %d pending, %d identities", created, pendingOf(t, w), w.Kratos.Len())
	}
}

// TestMaxPending_expired: an invitation that has expired makes room.
func TestMaxPending_expired(t *testing.T) {
	w := bridgetest.New(t)
	first := invite(t, w, bridge.InviteRequest{Email: email, CreatedBy: creator, MaxPending: 1})
	w.Clock.Advance(first.Invitation.ExpiresAt.Sub(w.Clock.Now()))
	_, err := w.Service.ExpireDue(t.Context())
	noError(t, err)
	if o := invite(t, w, bridge.InviteRequest{Email: email, CreatedBy: creator, MaxPending: 1}); !o.Created {
		t.Error("not a new one")
	}
}

// TestReplicasMaxPending: nor do invites by several replicas.
func TestReplicasMaxPending(t *testing.T) {
	first, second := replicas(t)
	const most = 5
	if created := inviteMany(t, most, 40, first, second); created != most || pendingOf(t, first) != most || first.Kratos.Len() != most {
		t.Errorf("%d created, %d pending, %d identities", created, pendingOf(t, first), first.Kratos.Len())
	}
}

// TestReplicasMaxPending_lateRefusal: what another replica has stored counts.
func TestReplicasMaxPending_lateRefusal(t *testing.T) {
	first, second := replicas(t)
	waiting, resume := suspended(first, 1)
	inviting := startInvite(first, bridge.InviteRequest{Email: email, CreatedBy: creator, MaxPending: 1})
	<-waiting
	invite(t, second, bridge.InviteRequest{Email: "grace@example.com", CreatedBy: creator, MaxPending: 1})
	resume()
	refused(t, (<-inviting).err, bridge.ErrTooManyPending)
	if n := pendingOf(t, first); n != 1 || first.Kratos.Len() != 1 {
		t.Errorf("%d are pending, %d identities", n, first.Kratos.Len())
	}
}

// TestMaxPending_revived: of several expired invitations that are revived at the same
// time, as many succeed as may be pending.
func TestMaxPending_revived(t *testing.T) {
	w := bridgetest.New(t)
	const most, callers = 3, 20
	var ids []bridge.IssuedInvitation
	for n := range callers {
		ids = append(ids, invite(t, w, bridge.InviteRequest{Email: fmt.Sprintf("p%d@example.com", n), CreatedBy: creator}))
	}
	w.Clock.Advance(ids[0].Invitation.ExpiresAt.Sub(w.Clock.Now()) + bridgetest.Lease)
	_, err := w.Service.ExpireDue(t.Context())
	noError(t, err)
	var all sync.WaitGroup
	errs := make([]error, callers)
	for n := range callers {
		all.Go(func() {
			_, errs[n] = w.Service.ResendWith(t.Context(), ids[n].Invitation.ID, bridge.ResendParams{MaxPending: most})
		})
	}
	all.Wait()
	revived := 0
	for _, err := range errs {
		if err == nil {
			revived++
		} else if !errors.Is(err, bridge.ErrTooManyPending) {
			t.Error(err)
		}
	}
	if n := pendingOf(t, w); revived != most || n != most {
		t.Errorf("%d revived, %d pending", revived, n)
	}
}
