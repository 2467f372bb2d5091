package bridge_test

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
)

func (h *history) expire(t *rapid.T) {
	h.meet(t, sweepTrouble)
	_, err := h.w.Service.Expire(t.Context())
	h.over()
	due := h.sorted(h.due, func(l *life) time.Time { return l.expires })
	due = slices.DeleteFunc(due, func(l *life) bool { return h.deleting || l.doubt })
	if len(due) > 0 && !h.commit() {
		h.answered("expire", err, bridge.ErrStoreAway)
		return
	}
	h.answered("expire", err, nil)
	for _, l := range due {
		h.expired(l)
	}
}

func (h *history) sweep(t *rapid.T) {
	h.meet(t, sweepTrouble)
	_, err := h.w.Service.Sweep(t.Context())
	h.over()
	h.step("sweep with %s: %v", h.trouble.name, err)
	h.sweeps()
	if err != nil && h.trouble.name == noTrouble.name {
		h.Fatalf("sweep: %v", err)
	}
}

// sorted gives those for which is holds, in the order of the store's index.
func (h *history) sorted(is func(*life) bool, at func(*life) time.Time) (some []*life) {
	for _, l := range h.lives {
		if !l.purged && is(l) {
			some = append(some, l)
		}
	}
	slices.SortFunc(some, func(a, b *life) int {
		if c := at(a).Compare(at(b)); c != 0 {
			return c
		}
		return bytes.Compare(a.id[:], b.id[:])
	})
	return some
}

func (h *history) sweeps() {
	lost, unread := h.trouble.lose == everyCommit, h.reads()
	for _, l := range h.sorted(h.lapsed, func(l *life) time.Time { return l.claim.until }) {
		if lost {
			break
		}
		if unread == nil {
			h.settled(l)
			continue
		}
		l.claim.until, l.claim.unsettled = h.now().Add(modelLease), h.now()
		if unread == bridge.ErrKratosAway {
			break // it would give no answer to the next either
		}
	}
	due := h.sorted(h.due, func(l *life) time.Time { return l.expires })
	if !h.deleting { // those that nobody doubts need no look at Kratos
		plain := slices.DeleteFunc(slices.Clone(due), func(l *life) bool { return l.doubt })
		for _, l := range plain {
			if !lost {
				h.expired(l)
			}
		}
		due = slices.DeleteFunc(due, func(l *life) bool { return !l.doubt })
	}
	for _, l := range due {
		a := h.accounts[l.identity]
		activated := a != nil && a.by == l.id
		switch {
		case unread != nil:
			continue
		case activated && !lost:
			h.accepted(l)
			continue
		case h.deleting && a != nil && !a.active && a.made == l.id && a.password == "":
			delete(h.accounts, l.identity)
		}
		if lost {
			break
		}
		h.expired(l)
	}
	for _, l := range h.lives {
		if !lost && l.state != bridge.StatePending && !l.updated.After(h.now().Add(-modelRetention)) {
			l.purged = true
		}
	}
}

// pass lets time go by. Requests in flight end before their time does.
func (h *history) pass(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{
		time.Second, modelSettle, 9 * time.Second, modelLease, modelCooldown, time.Hour, 24 * time.Hour, modelRetention,
	}).Draw(t, "time")
	h.step("%s pass", d)
	h.passes(d)
}

func (h *history) passes(d time.Duration) {
	h.arrive(true)
	if f := h.flight; f != nil && !f.written && !h.now().Add(d).Before(f.life.claim.until.Add(-modelSettle)) {
		h.calm()
		h.landed(f)
		h.arrive(true)
	}
	h.w.Clock.Advance(d)
}

// lapse has the ticker come when every claim has lapsed; and a PUT perhaps that
// everybody gave up long ago.
func (h *history) lapse(t *rapid.T) {
	h.step("claims lapse")
	h.passes(modelLease)
	h.ticks()
	if rapid.Bool().Draw(t, "overdue") {
		h.arrive(false)
	}
}

// ticks is a sweep that nothing troubles.
func (h *history) ticks() {
	h.calm()
	if _, err := h.w.Service.Sweep(h.Context()); err != nil {
		h.Fatal(err)
	}
	h.sweeps()
}

// restart has the process die: what is in flight has its effect in Kratos, and
// nowhere else.
func (h *history) restart(*rapid.T) {
	h.step("the process dies")
	h.died()
	if h.flight != nil {
		h.flight.lost = true
		h.landed(h.flight)
	}
}

func (h *history) died() {
	h.w.Restart(h.scope)
	h.store = &lossy{Store: h.w.Store.Store}
	h.w.Store.Store = h.store
}

// deliver has the letters go out that wait, each with a token of its own.
func (h *history) deliver(t *rapid.T) {
	h.calm()
	claimed, _, err := h.w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
	for _, c := range claimed {
		if err == nil {
			err = h.w.Service.FinishMessage(t.Context(), c, bridge.Result{Outcome: bridge.Sent})
		}
		l := h.lives[c.Dispatch.Payload.Data.Invitation.ID]
		l.letters++
		if e := h.ended(l); e != nil {
			h.Fatalf("a letter with a token of an invitation that has ended: %v", e)
		}
		h.links = append(h.links, link{c.Dispatch.Payload.Data.Token, l.id, l.epoch})
	}
	h.step("%d letters: %v", len(claimed), err)
	if err != nil {
		h.Fatal(err)
	}
}

// remove has somebody delete an identity.
func (h *history) remove(t *rapid.T) {
	if id, a := h.drawAccount(t); a != nil {
		h.step("somebody deletes %s", a.email)
		h.w.Kratos.Remove(id)
		delete(h.accounts, id)
	}
}

// activate has somebody activate an identity by hand.
func (h *history) activate(t *rapid.T) {
	if id, a := h.drawAccount(t); a != nil && !a.active {
		h.step("somebody activates %s", a.email)
		a.active, a.byHand, a.stopped, a.password = true, true, false, "chosen-By-hand-1"
		h.w.Kratos.ActivateByHand(id, a.password)
	}
}

// deactivate has somebody take an account away. What it signs in with stays.
func (h *history) deactivate(t *rapid.T) {
	if id, a := h.drawAccount(t); a != nil && a.active {
		h.step("somebody deactivates %s", a.email)
		a.active, a.stopped = false, true
		h.w.Kratos.Deactivate(id)
	}
}

func (h *history) drawAccount(t *rapid.T) (uuid.UUID, *account) {
	return h.accountOf(rapid.SampledFrom([]string{"a@example.com", "b@example.com"}).Draw(t, "account"))
}
