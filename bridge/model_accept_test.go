package bridge_test

import (
	"fmt"
	"net/http"
	"time"

	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// acceptance is one call of accept, as far as it has come.
type acceptance struct {
	life      *life
	link      link
	password  string
	claim     *hold
	inherited bool
	at        time.Time
}

func (h *history) drawAcceptance(t *rapid.T) acceptance {
	links := append([]link{{text: bridge.MintToken().Reveal()}, {text: "confirm"}}, h.links...)
	// Later ones are more often alive.
	k := links[max(rapid.IntRange(0, len(links)-1).Draw(t, "token"), rapid.IntRange(0, len(links)-1).Draw(t, "or"))]
	a := acceptance{link: k, life: h.lives[k.life], at: h.now()}
	h.passwords++
	a.password = fmt.Sprintf("correct-Horse-%d", h.passwords)
	if rapid.IntRange(0, 9).Draw(t, "weak") == 0 {
		a.password = "short"
	}
	return a
}

func (h *history) accept(t *rapid.T) {
	a := h.drawAcceptance(t)
	h.meet(t, putTrouble, putTrouble, hookTrouble, storeTrouble)
	inv, err := h.w.Service.Accept(t.Context(), a.link.text, a.password)
	h.over()
	want, asks := h.claims(&a)
	if asks {
		change, answer := h.writes(a, h.trouble)
		want = h.finishes(a, change, answer)
	}
	h.answered("accept", err, want)
	if err == nil && (inv.ID != a.link.life || inv.State != bridge.StateAccepted) {
		h.Fatalf("accept of %s gave %s, %s", a.link.life, inv.ID, inv.State)
	}
}

// claims is the model of an acceptance up to its PUT. asks: it comes so far.
func (h *history) claims(a *acceptance) (answer *bridge.Error, asks bool) {
	if e := h.opens(a.link); e != nil {
		return e, false
	}
	if a.password == "short" {
		return bridge.ErrPasswordPolicy, false
	}
	l := a.life
	if c := l.claim; c != nil {
		free := c.until
		if taken := c.unsettled.Add(modelSettle); !c.unsettled.IsZero() && taken.Before(free) {
			free = taken
		}
		if h.now().Before(free) {
			return bridge.ErrAcceptInProgress, false
		}
	}
	if !h.commit() {
		return bridge.ErrStoreAway, false
	}
	a.inherited = l.claim != nil
	a.claim = &hold{until: h.now().Add(modelLease)}
	l.claim = a.claim
	if e := h.refuses(); e != nil {
		return h.finishes(*a, h.releases(), e), false
	}
	if e := h.reads(); e != nil {
		return h.finishes(*a, h.releases(), e), false
	}
	switch identity := h.accounts[l.identity]; {
	case identity == nil:
		return h.finishes(*a, h.revokes, bridge.ErrRevoked), false
	case identity.active && identity.by != l.id:
		return h.finishes(*a, h.revokes, bridge.ErrIdentityActive), false
	case identity.by == l.id && (!identity.active || !a.inherited):
		return h.finishes(*a, h.accepts, bridge.ErrAccepted), false
	}
	return nil, true
}

// writes is the model of a PUT: it gives what the bridge makes of it.
func (h *history) writes(a acceptance, met trouble) (change func(acceptance), answer *bridge.Error) {
	identity := h.accounts[a.life.identity]
	if identity != nil && (met.lands || met.method != http.MethodPut) {
		identity.write(a.life.id, a.password)
	}
	if met.late {
		h.late = append(h.late, lateWrite{a.life, a.password, a.at, met.overdue})
	}
	switch {
	case met.method != http.MethodPut && identity == nil:
		return h.revokes, bridge.ErrRevoked
	case met.method != http.MethodPut:
		return h.accepts, nil
	case met.fault.Do == kratostest.Answer && met.fault.Status == http.StatusBadRequest:
		return h.releases(), bridge.ErrKratosRejected
	case met.fault.Do == kratostest.Answer && met.fault.Status == http.StatusTooManyRequests:
		return h.releases(), bridge.ErrKratosAway
	}
	return h.unsettles(), bridge.ErrKratosAway
}

func (h *history) accepts(a acceptance) { h.accepted(a.life) }
func (h *history) revokes(a acceptance) { h.revoked(a.life) }

// unsettles has nobody know what came of a claim since now, whenever that is
// committed.
func (h *history) unsettles() func(acceptance) {
	now := h.now()
	return func(a acceptance) { a.claim.unsettled = now }
}

// releases gives a claim up, unless an earlier request may have had its effect.
func (h *history) releases() func(acceptance) {
	unsettles := h.unsettles()
	return func(a acceptance) {
		if a.inherited {
			unsettles(a)
			return
		}
		a.life.claim = nil
	}
}

// finishes is the commit at the end, if the claim is still held.
func (h *history) finishes(a acceptance, change func(acceptance), answer *bridge.Error) *bridge.Error {
	l := a.life
	switch {
	case l.claim == a.claim && !h.commit():
		return bridge.ErrStoreAway
	case l.claim == a.claim:
		change(a)
		return answer
	case l.purged:
		return bridge.ErrNotFound
	case l.state == bridge.StatePending:
		return bridge.ErrAcceptInProgress
	case l.state == bridge.StateExpired:
		return bridge.ErrExpired
	}
	return h.ended(l)
}
