package bridge_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// moments lets so much time go by as matters to claims.
func (h *history) moments(t *rapid.T) {
	h.draws(t, time.Second, modelSettle, 9*time.Second, modelCodes, modelLease)
}

// pass lets so much time go by as matters to invitations.
func (h *history) pass(t *rapid.T) {
	h.draws(t, time.Minute, time.Minute, modelDoubt, time.Hour, time.Hour, 24*time.Hour, modelRetention)
}

func (h *history) draws(t *rapid.T, times ...time.Duration) {
	d := rapid.SampledFrom(times).Draw(t, "time")
	h.step("%s pass", d)
	h.passes(d)
}

// passes lets time go by. Requests in flight end before their time does.
func (h *history) passes(d time.Duration) {
	h.arrive(nil, d)
	for _, n := range h.bridges {
		if f := n.flight; f != nil && f.onItsWay() && h.clock.Running()+d >= f.run+modelBudget {
			h.calm(n)
			h.landed(f)
		}
	}
	h.clock.Advance(d)
	h.note()
}

// setClock sets the wall clock alone, either way.
func (h *history) setClock(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{-time.Hour, -time.Minute, -modelSettle, modelSettle, time.Minute, time.Hour, 25 * time.Hour}).Draw(t, "by")
	h.step("the wall clock is set by %s", d)
	h.clock.Set(d)
	h.clockSet = true
	if d > 0 {
		h.ahead += d
	} else {
		h.back -= d
	}
	for _, l := range h.order {
		l.noticeable = l.noticeable && !l.landed // doubt is measured by the wall clock
	}
	h.note()
}

// restart has a process die: what is in flight has its effect in Kratos, and
// nowhere else.
func (h *history) restart(t *rapid.T) {
	n := h.drawNode(t)
	h.step("bridge %d dies", n.name)
	h.dies(n, func() { n.w.Restart(h.scope) })
}

func (h *history) dies(n *node, open func()) {
	open()
	n.reopened()
	if f := n.flight; f != nil {
		f.lost = true
		h.calm(n)
		h.landed(f)
	}
}

// backup is a copy of a store, and what the model knew of it then.
type backup struct {
	file  []byte
	lives map[uuid.UUID]standing
	links int
}

func (h *history) copyOrRestore(t *rapid.T) {
	if rapid.Bool().Draw(t, "restore") {
		h.restore(t)
	} else {
		h.copyStore(t)
	}
}

func (h *history) copyStore(t *rapid.T) {
	n := h.drawNode(t)
	var file bytes.Buffer
	if err := n.w.Service.Backup(t.Context(), &file); err != nil {
		h.Fatal(err)
	}
	b := &backup{file: file.Bytes(), lives: map[uuid.UUID]standing{}, links: len(h.links)}
	for _, l := range h.order {
		if l.node == n && !l.lost {
			b.lives[l.id] = l.standing
		}
	}
	n.backup = b
	h.step("bridge %d is copied", n.name)
}

// restore puts the copy back, and starts the process on it: the tokens of then.
func (h *history) restore(t *rapid.T) {
	n := h.drawNode(t)
	b := n.backup
	if b == nil {
		t.Skip()
	}
	h.arrive(nil, 0)
	h.step("bridge %d is restored", n.name)
	h.dies(n, func() {
		n.w.Restore(h.scope, b.file)
		h.forgets(n, b)
	})
	h.forgets(n, b) // also of what was in flight
	n.restored = true
	h.note()
}

// forgets takes back what a bridge knew after the copy was made. What it did to
// accounts stays.
func (h *history) forgets(n *node, b *backup) {
	for _, l := range h.order {
		if l.node != n {
			continue
		}
		then, there := b.lives[l.id]
		l.standing = then
		l.lost, l.noticeable = !there, false
		if h.accounts[l.identity].cleaned {
			l.permit = min(l.permit, perhaps) // it does not know that it began to clean
		}
	}
	for i := range h.links {
		if k := &h.links[i]; k.life.node == n && i >= b.links {
			k.lost = true
		}
	}
}

// lateWrite is an activation that was cut, and is on its way still.
type lateWrite struct {
	life     *life
	password string
	at       time.Time
	run      time.Duration
	slow     bool // it takes minutes, and not less than modelSettle
}

// postpone has the activating PUT of an acceptance be late, if that is the
// trouble. It gives what is to be called when the acceptance has been answered.
func (h *history) postpone(by *act) (sent func()) {
	if !h.trouble.late {
		return func() {}
	}
	var cut atomic.Bool
	fault := kratostest.Fault{Method: http.MethodPut, Route: kratostest.RouteIdentity, Do: kratostest.CutBefore, Times: 1, Arrived: func() { cut.Store(true) }}
	if by.life.origin == bridge.OriginReactivated {
		fault.Skip = 1 // the first one cleans
	}
	mend := h.kratos.Inject(fault)
	return func() {
		if mend(); cut.Load() {
			h.late = append(h.late, lateWrite{by.life, by.password, by.at, h.clock.Running(), h.trouble.slow})
		}
	}
}

// arrive has late writes take effect that are due within d: for one account, or
// for all. Those that take minutes come by arriveOverdue.
func (h *history) arrive(a *truth, d time.Duration) {
	h.late = slices.DeleteFunc(h.late, func(w lateWrite) bool {
		run := h.clock.Running() + d - w.run
		if w.slow {
			return run >= modelDoubt-time.Minute // the bridge would not look at it any more
		}
		if a != nil && w.life.identity != a.id || a == nil && run < modelSettle && d > 0 {
			return false
		}
		if h.accounts[w.life.identity].active && w.life.permit != void {
			h.broken("%s was handed over while a request for it was on its way", w.life.email)
		}
		h.arrives(w)
		return true
	})
}

// arriveOverdue has one of those come that take minutes.
func (h *history) arriveOverdue(t *rapid.T) {
	at := slices.IndexFunc(h.late, func(w lateWrite) bool { return w.slow && h.clock.Running()-w.run >= modelSettle })
	if at < 0 {
		t.Skip()
	}
	w := h.late[at]
	for _, n := range h.bridges {
		if n.flight != nil && n.flight.life.identity == w.life.identity {
			t.Skip()
		}
	}
	h.late = slices.Delete(h.late, at, at+1)
	h.arrives(w)
}

// arrives does to the account what the request asks, unless somebody had it
// since: no bridge can keep a request from that.
func (h *history) arrives(w lateWrite) {
	l, a := w.life, h.accounts[w.life.identity]
	if a.active || a.gone || l.permit == void {
		return
	}
	schema, traits := described(a.email)
	body, err := json.Marshal(map[string]any{
		"schema_id": schema, "state": "active", "traits": traits,
		"metadata_admin": map[string]any{bridge.MarkKey: map[string]any{"id": l.id, "accepted_at": w.at}},
		"credentials":    map[string]any{"password": map[string]any{"config": map[string]string{"password": w.password}}},
	})
	if err == nil {
		err = h.kratos.Replace(h.Context(), a.id, string(body))
	}
	if err != nil {
		h.Fatal(err)
	}
	h.step("a request of %s arrives late, minutes: %v", l.id, w.slow)
	h.handedOver(a, l, w.password)
	l.noticeable = !h.clockSet && !l.node.restored && !l.lost
}
