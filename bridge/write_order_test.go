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

// operation is a call that may change an identity in Kratos.
type operation struct {
	name   string
	policy bridge.Unaccepted
	// prepare does what comes before and returns the call to observe.
	prepare  func(*testing.T, *bridgetest.Harness) (run func())
	writes   int  // if nothing interferes
	ownClock bool // it does not use the clock of the harness
	revives  bool // it marks accounts that were used
}

func operations() []operation {
	tries := func(t *testing.T, w *bridgetest.Harness, token string) func() {
		return func() { _, _ = w.Service.Accept(t.Context(), token, password) }
	}
	invites := func(t *testing.T, w *bridgetest.Harness, r bridge.InviteRequest) func() {
		return func() { _, _ = w.Service.Invite(t.Context(), r) }
	}
	sweeps := func(t *testing.T, w *bridgetest.Harness) func() {
		return func() { _, _ = w.Service.Sweep(t.Context()) }
	}
	return []operation{
		{name: "an invite that cannot be stored", writes: 2, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			w.Store.FailCommits(errors.New("no space left on device"))
			return invites(t, w, bridge.InviteRequest{Email: email})
		}},
		{name: "adoption", writes: 1, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			w.Kratos.Add(email, false)
			return invites(t, w, bridge.InviteRequest{Email: email})
		}},
		{name: "adoption by id", writes: 1, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			return invites(t, w, bridge.InviteRequest{IdentityID: w.Kratos.Add(email, false)})
		}},
		{name: "reactivation", writes: 1, revives: true, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			useAndDeactivate(t, w, w.Kratos.Add(email, false))
			return invites(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
		}},
		{name: "inviting again", writes: 1, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(day)
			return invites(t, w, bridge.InviteRequest{Email: email})
		}},
		{name: "an additional token", prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			return invites(t, w, bridge.InviteRequest{Email: email})
		}},
		{name: "accept with a token from the API", writes: 1, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			return tries(t, w, invite(t, w, bridge.InviteRequest{Email: email}).Token.Reveal())
		}},
		{name: "accept with a token from an email", writes: 2, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 1, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return tries(t, w, claimed[0].Dispatch.Payload.Data.Token)
		}},
		{name: "accept of a reactivated account", writes: 8, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			offer := invite(t, w, bridge.InviteRequest{IdentityID: newFormer(t, w).id, Reactivate: true})
			w.Clock.Advance(time.Hour)
			return tries(t, w, offer.Token.Reveal())
		}},
		{name: "accept after a lost response", writes: 1, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			cutAccept(t, w, offer, bridgetest.CutBefore)
			w.Clock.Advance(3 * time.Second)
			return tries(t, w, offer.Token.Reveal())
		}},
		{name: "reconciling a claim", prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			cutAccept(t, w, invite(t, w, bridge.InviteRequest{Email: email}), bridgetest.CutBefore)
			w.Clock.Advance(bridgetest.Lease)
			return sweeps(t, w)
		}},
		{name: "resend", prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			return func() { _, _ = w.Service.Resend(t.Context(), offer.Invitation.ID) }
		}},
		{name: "renew", prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(day)
			return func() { _ = w.Service.Renew(t.Context(), offer.Token.Reveal()) }
		}},
		{name: "revoke", writes: 1, policy: bridge.DeleteAtPurge, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			return func() {
				_, _ = w.Service.Revoke(t.Context(), offer.Invitation.ID)
				sweeps(t, w)()
			}
		}},
		{name: "expiry", writes: 1, policy: bridge.DeleteAtExpiry, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(day)
			return sweeps(t, w)
		}},
		{name: "purge", writes: 1, policy: bridge.DeleteAtPurge, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(day)
			sweeps(t, w)()
			w.Clock.Advance(31 * day)
			return func() {
				sweeps(t, w)()
				sweeps(t, w)()
			}
		}},
		{name: "doctor", writes: 1, ownClock: true, prepare: func(t *testing.T, w *bridgetest.Harness) func() {
			inv := invite(t, w, bridge.InviteRequest{Email: email}).Invitation
			return func() {
				_, _ = bridge.DeleteOrphan(t.Context(), w.Identities(), inv.IdentityID, inv.ID, email, time.Time{})
			}
		}},
	}
}

// run runs the operation on a harness of its own and returns its requests
// alone.
func (o operation) run(t *testing.T, after func(w *bridgetest.Harness, n int)) (*bridgetest.Harness, []kratostest.Request) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = o.policy })
	run := o.prepare(t, w)
	w.Kratos.ResetLog()
	w.Kratos.After(func(n int, _ kratostest.Request) { after(w, n) })
	run()
	w.Kratos.After(nil)
	return w, w.Kratos.Log()
}

// TestOrder: the request before each write is a GET of the same identity, or for
// the PUT also the PATCH of the address, and its response shows what was done to
// the identity after any earlier request.
func TestOrder(t *testing.T) {
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			_, undisturbed := o.run(t, func(*bridgetest.Harness, int) {})
			if n := writesOf(undisturbed); n < o.writes || o.writes == 0 && n > 0 {
				t.Fatalf("%d writes, want %d", n, o.writes)
			}
			readBeforeWrite(t, undisturbed)
			for n := range undisturbed {
				for _, d := range []disturbance{{deactivate: true}, {deactivate: true, slow: true}, {}} {
					d.at = n + 1
					d.apply(t, o)
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
		before := last[r.ID]
		shown := !before.IsWrite() || before.Method == http.MethodPatch && r.Method == http.MethodPut
		if r.IsWrite() && r.Method != http.MethodPost && (!shown || before.Route != kratostest.RouteIdentity) {
			t.Errorf("request %d, %s %s, comes after %s %s", i+1, r.Method, r.Route, before.Method, before.Route)
		}
		last[r.ID] = r
	}
}

// disturbance activates the identity right after a request had its effect and
// before the response. deactivate uses the account and deactivates it again;
// slow lets more time pass than a read may take.
type disturbance struct {
	at               int
	deactivate, slow bool
}

func (d disturbance) apply(t *testing.T, o operation) {
	t.Helper()
	var id uuid.UUID
	var session string
	w, log := o.run(t, func(w *bridgetest.Harness, n int) {
		found, err := w.Kratos.Find(email)
		if n != d.at || err != nil {
			return // it may have just been deleted
		}
		id = found
		if err := w.Kratos.Activate(t.Context(), id, "theirs-Meanwhile-1"); err != nil {
			t.Error(err)
		}
		if session, err = w.Kratos.AddSession(id); err != nil {
			t.Error(err)
		}
		if d.deactivate {
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
	if o.revives && d.deactivate {
		d.checkAccount(t, w, id, session)
		return
	}
	after := log[d.at:]
	seen := slices.IndexFunc(after, func(r kratostest.Request) bool {
		return r.ID == id && r.Method == http.MethodGet && r.Route == kratostest.RouteIdentity
	})
	if seen >= 0 && writesOf(after[seen:]) > 0 {
		t.Errorf("%+v: written to after the change was read: %+v", d, after)
	}
	switch n := writesOf(after); {
	case n == 0:
		d.checkAccount(t, w, id, session)
	case n > 1, d.slow && !o.ownClock:
		t.Errorf("%+v: %d writes before the change was read: %+v", d, n, after)
	}
}

// checkAccount checks that the account belongs to the user who took it
// meanwhile.
func (d disturbance) checkAccount(t *testing.T, w *bridgetest.Harness, id uuid.UUID, session string) {
	t.Helper()
	if !w.Kratos.Exists(id) {
		t.Errorf("%+v: the account is gone", d)
		return
	}
	if w.Kratos.Active(id) == d.deactivate {
		t.Errorf("%+v: it is active: %v", d, d.deactivate)
	}
	if err := w.Kratos.SetState(t.Context(), id, "active"); err != nil {
		t.Error(err)
	}
	if err := w.Kratos.SignIn(t.Context(), email, "theirs-Meanwhile-1"); err != nil || !w.Kratos.SessionWorks(session) {
		t.Errorf("%+v: its holder signs in: %v, the session works: %v", d, err, w.Kratos.SessionWorks(session))
	}
}
