package bridge_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// replicas returns two bridges that share a store on PostgreSQL. Callers of the
// second do not wait long for a lease of the first.
func replicas(t *testing.T) (first, second *bridgetest.Harness) {
	t.Helper()
	w := bridgetest.NewOn(t, bridgetest.Postgres, kratostest.FakeOptions{})
	shared := func(c *bridge.Config) { c.Clock = sharedClock{w.Clock} }
	first = w.Replica(t, shared)
	second = w.Replica(t, shared, func(c *bridge.Config) { c.LockTimeout = 100 * time.Millisecond })
	return first, second
}

// sharedClock is the clock of the test as that of the store.
type sharedClock struct{ *bridgetest.Clock }

func (c sharedClock) Steady() time.Duration { return c.Running() }

// suspended makes a bridge stop before its nth update from now on: waiting for it
// returns once it has stopped, resume lets it go on.
func suspended(w *bridgetest.Harness, nth int) (waiting <-chan struct{}, resume func()) {
	stopped, gate := make(chan struct{}), make(chan struct{})
	w.Store.FailUpdates(func(n int) error {
		if n == nth {
			close(stopped)
			<-gate
		}
		return nil
	})
	return stopped, func() { close(gate) }
}

type inviteResult struct {
	issued bridge.IssuedInvitation
	err    error
}

func startInvite(w *bridgetest.Harness, r bridge.InviteRequest) <-chan inviteResult {
	done := make(chan inviteResult, 1)
	go func() {
		issued, err := w.Service.Invite(context.Background(), r)
		done <- inviteResult{issued, err}
	}()
	return done
}

// TestReplicasOneAddress: while one replica invites an address, another one does not:
// otherwise both would create the identity. Afterwards it adds a token.
func TestReplicasOneAddress(t *testing.T) {
	first, second := replicas(t)
	waiting, resume := suspended(first, 1)
	inviting := startInvite(first, bridge.InviteRequest{Email: email})
	<-waiting
	_, err := second.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	if e := refusal(t, err, bridge.ErrIdentityConflict); e.RetryAfter == 0 {
		t.Errorf("%v says nothing about when to retry", e)
	}
	resume()
	result := <-inviting
	noError(t, result.err)
	again := invite(t, second, bridge.InviteRequest{Email: email})
	if again.Created || again.Invitation.ID != result.issued.Invitation.ID {
		t.Errorf("the second invitation is %s, created: %t", again.Invitation.ID, again.Created)
	}
	accept(t, first, again, password)
}

// TestReplicasLostLease: a replica is suspended between the creation of an identity
// and its commit, for longer than its lease. Another one invites the address. When the
// first goes on, it adds a token to that invitation; if that has ended, it commits
// nothing and leaves the identity as it is.
func TestReplicasLostLease(t *testing.T) {
	for name, accepted := range map[string]bool{"pending": false, "accepted": true} {
		t.Run(name, func(t *testing.T) {
			first, second := replicas(t)
			waiting, resume := suspended(first, 1)
			inviting := startInvite(first, bridge.InviteRequest{Email: email})
			<-waiting
			first.Clock.Advance(bridgetest.Lease)
			other := invite(t, second, bridge.InviteRequest{Email: email})
			if accepted {
				accept(t, second, other, password)
			}
			resume()
			result := <-inviting
			list, _, err := second.Service.List(t.Context(), bridge.InvitationQuery{Limit: 9})
			noError(t, err)
			if len(list) != 1 {
				t.Errorf("%d invitations", len(list))
			}
			if accepted {
				refused(t, result.err, bridge.ErrIdentityConflict)
				noError(t, second.Kratos.SignIn(t.Context(), email, password))
				return
			}
			noError(t, result.err)
			if result.issued.Created || result.issued.Invitation.ID != other.Invitation.ID {
				t.Errorf("the first returned %s, created: %t", result.issued.Invitation.ID, result.issued.Created)
			}
			accept(t, second, other, password)
		})
	}
}

// TestReplicasLostLease_held: while another replica has the lease, the identity that
// was created before is not deleted: the other one may be using it.
func TestReplicasLostLease_held(t *testing.T) {
	first, second := replicas(t)
	waiting, resume := suspended(first, 1)
	inviting := startInvite(first, bridge.InviteRequest{Email: email})
	<-waiting
	first.Clock.Advance(bridgetest.Lease)
	l := bridge.Lease{Name: bridge.NewLeaseName("email", email), Holder: uuid.UUID{1}, Until: first.Clock.Now().Add(bridgetest.Lease)}
	noError(t, second.Store.TakeLease(t.Context(), l, first.Clock.Now()))
	resume()
	refused(t, (<-inviting).err, bridge.ErrIdentityConflict)
	noError(t, second.Store.DropLease(t.Context(), l))
	found, err := first.Identities().FindByEmail(t.Context(), email)
	noError(t, err)
	issued := invite(t, second, bridge.InviteRequest{Email: email})
	if !issued.Created || issued.Invitation.IdentityID != found.ID {
		t.Errorf("the identity %s was created, and %s invited", found.ID, issued.Invitation.IdentityID)
	}
	accept(t, second, issued, password)
}

// TestReplicasDead: the lease of a replica that died keeps others from the address, but
// not for long.
func TestReplicasDead(t *testing.T) {
	first, second := replicas(t)
	l := bridge.Lease{Name: bridge.NewLeaseName("email", email), Holder: uuid.UUID{1}, Until: first.Clock.Now().Add(bridgetest.Lease)}
	noError(t, first.Store.TakeLease(t.Context(), l, first.Clock.Now()))
	t.Cleanup(func() { _ = first.Store.DropLease(context.Background(), l) }) // the clock of the next test begins anew
	_, err := second.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	refused(t, err, bridge.ErrIdentityConflict)
	second.Clock.Advance(bridgetest.Lease)
	invite(t, second, bridge.InviteRequest{Email: email})
}

// TestReplicasAccepted: Kratos has activated the identity, and before the replica that
// requested it has stored that, another one reads it and does. Both know the same
// winner.
func TestReplicasAccepted(t *testing.T) {
	first, second := replicas(t)
	offer := invite(t, first, bridge.InviteRequest{Email: email})
	waiting, resume := suspended(first, 3) // claim, begin of the write, outcome
	type result struct {
		inv bridge.Invitation
		err error
	}
	done := make(chan result, 1)
	go func() {
		inv, err := first.Service.Accept(context.Background(), offer.Token.Reveal(), password)
		done <- result{inv, err}
	}()
	<-waiting
	second.Clock.Advance(bridgetest.Lease) // the first has not answered for long
	_, err := second.Service.Accept(t.Context(), offer.Token.Reveal(), "another-Horse-7-battery")
	refused(t, err, bridge.ErrAccepted)
	resume()
	won := <-done
	noError(t, won.err)
	if won.inv.State != bridge.StateAccepted {
		t.Errorf("the winner sees %s", won.inv.State)
	}
	noError(t, first.Kratos.SignIn(t.Context(), email, password))
	posts := 0
	for _, event := range first.EventsFor(t, bridgetest.Hook) {
		if event == bridge.EventPostPassword {
			posts++
		}
	}
	if posts != 1 {
		t.Errorf("%d events of the acceptance", posts)
	}
}

// TestUnknownInvite: it is unknown whether the invitation was stored, so its identity
// is kept. If it was not, the next invite takes the identity.
func TestUnknownInvite(t *testing.T) {
	for name, stored := range map[string]bool{"stored": true, "not stored": false} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			if stored {
				w.Store.HideCommits(errors.New("the connection was lost"))
			} else {
				w.Store.FailCommits(bridge.ErrOutcomeUnknown)
			}
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
			refused(t, err, bridge.ErrStoreUnavailable)
			w.Store.HideCommits(nil)
			w.Store.FailCommits(nil)
			again := invite(t, w, bridge.InviteRequest{Email: email})
			if again.Created == stored {
				t.Errorf("created: %t", again.Created)
			}
			accept(t, w, again, password)
		})
	}
}

// TestReplicasLostIdentity: a replica lost its lease, so it does not store the
// invitation of the identity that it created. Meanwhile another one is about to adopt
// that identity. It is not deleted under it.
func TestReplicasLostIdentity(t *testing.T) {
	first, second := replicas(t)
	waiting, resume := suspended(first, 1)
	inviting := startInvite(first, bridge.InviteRequest{Email: email})
	<-waiting
	first.Clock.Advance(bridgetest.Lease)
	adopting, adopt := suspended(second, 1) // the begin of its write
	other := startInvite(second, bridge.InviteRequest{Email: email})
	<-adopting
	arrived, hold := make(chan struct{}), make(chan struct{})
	t.Cleanup(first.Kratos.Inject(kratostest.Fault{
		Method: http.MethodDelete, Route: kratostest.RouteIdentity, Arrived: sync.OnceFunc(func() { close(arrived) }), Hold: hold,
	}))
	resume()
	var result *inviteResult
	select {
	case <-arrived: // the deletion is on its way
	case r := <-inviting:
		result = &r
	}
	adopt()
	won := <-other
	noError(t, won.err)
	close(hold)
	if result == nil {
		r := <-inviting
		result = &r
	}
	refused(t, result.err, bridge.ErrIdentityConflict)
	accept(t, second, won.issued, password)
}
