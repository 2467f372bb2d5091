package bridge_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// operation is something that asks Kratos to change an identity, or may.
type operation struct {
	name   string
	policy bridge.Unaccepted
	// prepare does what comes before, and gives what is to be watched.
	prepare func(*testing.T, *bridgetest.World) (run func())
	writes  int  // that it makes if nobody disturbs it
	alone   bool // it works without the clock of the world
	revives bool // it is for accounts that were used, and only marks them
}

func operations() []operation {
	tries := func(t *testing.T, w *bridgetest.World, token string) func() {
		return func() { _, _ = w.Service.Accept(t.Context(), token, password) }
	}
	invites := func(t *testing.T, w *bridgetest.World, r bridge.InviteRequest) func() {
		return func() { _, _ = w.Service.Invite(t.Context(), r) }
	}
	sweeps := func(t *testing.T, w *bridgetest.World) func() {
		return func() { _, _ = w.Service.Sweep(t.Context()) }
	}
	return []operation{
		{name: "an invite that cannot be stored", writes: 2, prepare: func(t *testing.T, w *bridgetest.World) func() {
			w.Store.FailCommits(errors.New("no space left on device"))
			return invites(t, w, bridge.InviteRequest{Email: email})
		}},
		{name: "adoption", writes: 1, prepare: func(t *testing.T, w *bridgetest.World) func() {
			w.Kratos.Add(email, false)
			return invites(t, w, bridge.InviteRequest{Email: email})
		}},
		{name: "adoption by id", writes: 1, prepare: func(t *testing.T, w *bridgetest.World) func() {
			return invites(t, w, bridge.InviteRequest{IdentityID: w.Kratos.Add(email, false)})
		}},
		{name: "reactivation", writes: 1, revives: true, prepare: func(t *testing.T, w *bridgetest.World) func() {
			used(t, w, w.Kratos.Add(email, false))
			return invites(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
		}},
		{name: "inviting anew", writes: 1, prepare: func(t *testing.T, w *bridgetest.World) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(day)
			return invites(t, w, bridge.InviteRequest{Email: email})
		}},
		{name: "a further token", prepare: func(t *testing.T, w *bridgetest.World) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			return invites(t, w, bridge.InviteRequest{Email: email})
		}},
		{name: "accept by a token of the API", writes: 1, prepare: func(t *testing.T, w *bridgetest.World) func() {
			return tries(t, w, invite(t, w, bridge.InviteRequest{Email: email}).Token.Reveal())
		}},
		{name: "accept by a token that came by email", writes: 2, prepare: func(t *testing.T, w *bridgetest.World) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 1, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return tries(t, w, claimed[0].Dispatch.Payload.Data.Token)
		}},
		{name: "accept of what was reactivated", writes: 8, prepare: func(t *testing.T, w *bridgetest.World) func() {
			offer := invite(t, w, bridge.InviteRequest{IdentityID: newFormer(t, w).id, Reactivate: true})
			w.Clock.Advance(time.Hour)
			return tries(t, w, offer.Token.Reveal())
		}},
		{name: "accept after a lost answer", writes: 1, prepare: func(t *testing.T, w *bridgetest.World) func() {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			cutAccept(t, w, offer, bridgetest.CutBefore)
			w.Clock.Advance(3 * time.Second)
			return tries(t, w, offer.Token.Reveal())
		}},
		{name: "settling a claim", prepare: func(t *testing.T, w *bridgetest.World) func() {
			cutAccept(t, w, invite(t, w, bridge.InviteRequest{Email: email}), bridgetest.CutBefore)
			w.Clock.Advance(time.Minute)
			return sweeps(t, w)
		}},
		{name: "resend", prepare: func(t *testing.T, w *bridgetest.World) func() {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			return func() { _, _ = w.Service.Resend(t.Context(), offer.Invitation.ID) }
		}},
		{name: "renew", prepare: func(t *testing.T, w *bridgetest.World) func() {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(day)
			return func() { _ = w.Service.Renew(t.Context(), offer.Token.Reveal()) }
		}},
		{name: "revoke", writes: 1, policy: bridge.DeleteAtPurge, prepare: func(t *testing.T, w *bridgetest.World) func() {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			return func() {
				_, _ = w.Service.Revoke(t.Context(), offer.Invitation.ID)
				sweeps(t, w)()
			}
		}},
		{name: "expiry", writes: 1, policy: bridge.DeleteAtExpiry, prepare: func(t *testing.T, w *bridgetest.World) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(day)
			return sweeps(t, w)
		}},
		{name: "purge", writes: 1, policy: bridge.DeleteAtPurge, prepare: func(t *testing.T, w *bridgetest.World) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(day)
			sweeps(t, w)()
			w.Clock.Advance(31 * day)
			return func() {
				sweeps(t, w)()
				sweeps(t, w)()
			}
		}},
		{name: "doctor", writes: 1, alone: true, prepare: func(t *testing.T, w *bridgetest.World) func() {
			inv := invite(t, w, bridge.InviteRequest{Email: email}).Invitation
			return func() {
				_, _ = bridge.DeleteForsaken(t.Context(), w.Identities(), inv.IdentityID, inv.ID, email, time.Time{})
			}
		}},
	}
}

// watched runs an operation in a world of its own, with the log of it alone.
func (o operation) watched(t *testing.T, after func(w *bridgetest.World, n int)) (*bridgetest.World, []kratostest.Request) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = o.policy })
	run := o.prepare(t, w)
	w.Kratos.ResetLog()
	w.Kratos.After(func(n int, _ kratostest.Request) { after(w, n) })
	run()
	w.Kratos.After(nil)
	return w, w.Kratos.Log()
}

// TestOrder: the request before each write is a GET of that very identity; and
// what was done to the identity after any request is seen by that GET.
func TestOrder(t *testing.T) {
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			_, undisturbed := o.watched(t, func(*bridgetest.World, int) {})
			if n := writesOf(undisturbed); n < o.writes || o.writes == 0 && n > 0 {
				t.Fatalf("%d writes, want %d", n, o.writes)
			}
			readBeforeWrite(t, undisturbed)
			for n := range undisturbed {
				for _, d := range []disturbance{{back: true}, {back: true, slow: true}, {}} {
					d.at = n + 1
					d.of(t, o)
				}
			}
		})
	}
}

func writesOf(log []kratostest.Request) (n int) {
	for _, r := range log {
		n += count(r.IsWrite())
	}
	return n
}

func readBeforeWrite(t *testing.T, log []kratostest.Request) {
	t.Helper()
	last := map[uuid.UUID]kratostest.Request{}
	for i, r := range log {
		if before := last[r.ID]; r.IsWrite() && r.Method != http.MethodPost && (before.IsWrite() || before.Route != kratostest.RouteIdentity) {
			t.Errorf("request %d, %s %s, comes after %s %s", i+1, r.Method, r.Route, before.Method, before.Route)
		}
		last[r.ID] = r
	}
}

// disturbance is somebody who activates the identity right after a request had
// its effect, before it is answered; back: uses it, and deactivates it again. If
// it is slow, more time passes than a read may take.
type disturbance struct {
	at         int
	back, slow bool
}

func (d disturbance) of(t *testing.T, o operation) {
	t.Helper()
	var id uuid.UUID
	var session string
	w, log := o.watched(t, func(w *bridgetest.World, n int) {
		found, err := w.Kratos.Find(email)
		if n != d.at || err != nil {
			return // or it was deleted just now
		}
		id = found
		if err := w.Kratos.Activate(t.Context(), id, "theirs-Meanwhile-1"); err != nil {
			t.Error(err)
		}
		if session, err = w.Kratos.AddSession(id); err != nil {
			t.Error(err)
		}
		if d.back {
			w.Kratos.Deactivate(id)
		}
		if d.slow {
			w.Clock.Advance(6 * time.Second)
		}
	})
	if id == uuid.Nil {
		return
	}
	readBeforeWrite(t, log)
	if o.revives && d.back {
		d.unbroken(t, w, id, session)
		return
	}
	after := log[d.at:]
	seen := slices.IndexFunc(after, func(r kratostest.Request) bool {
		return r.ID == id && r.Method == http.MethodGet && r.Route == kratostest.RouteIdentity
	})
	if seen >= 0 && writesOf(after[seen:]) > 0 {
		t.Errorf("%+v: written to after it was seen: %+v", d, after)
	}
	switch n := writesOf(after); {
	case n == 0:
		d.unbroken(t, w, id, session)
	case n > 1, d.slow && !o.alone:
		t.Errorf("%+v: %d writes before it was seen: %+v", d, n, after)
	}
}

// unbroken: the account is whose it became.
func (d disturbance) unbroken(t *testing.T, w *bridgetest.World, id uuid.UUID, session string) {
	t.Helper()
	if !w.Kratos.Exists(id) {
		t.Errorf("%+v: the account is gone", d)
		return
	}
	if w.Kratos.Active(id) == d.back {
		t.Errorf("%+v: it is active: %v", d, d.back)
	}
	if err := w.Kratos.SetState(t.Context(), id, "active"); err != nil {
		t.Error(err)
	}
	if err := w.Kratos.SignIn(t.Context(), email, "theirs-Meanwhile-1"); err != nil || !w.Kratos.SessionWorks(session) {
		t.Errorf("%+v: its holder signs in: %v, the session works: %v", d, err, w.Kratos.SessionWorks(session))
	}
}
