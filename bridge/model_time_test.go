package bridge_test

import (
	"bytes"
	"errors"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
)

// advanceShort lets an amount of time pass that matters to claims.
func (h *history) advanceShort(t *rapid.T) {
	h.drawTime(t, time.Second, modelGrace, 9*time.Second, modelCodes, modelLease)
}

// advanceLong lets an amount of time pass that matters to invitations.
func (h *history) advanceLong(t *rapid.T) {
	h.drawTime(t, time.Minute, time.Minute, modelUnresolved, time.Hour, time.Hour, 24*time.Hour, modelRetention)
}

func (h *history) drawTime(t *rapid.T, times ...time.Duration) {
	d := rapid.SampledFrom(times).Draw(t, "time")
	h.step("%s pass", d)
	h.advance(d)
}

// advance lets time pass. Requests in flight end before they time out.
func (h *history) advance(d time.Duration) {
	h.applyDueWrites(nil, d)
	for _, n := range h.bridges {
		if f := n.pending; f != nil && f.requestSent() && h.clock.Running()+d >= f.run+modelBudget {
			h.withoutTrouble(n)
			h.finishAccept(f)
		}
	}
	h.clock.Advance(d)
	h.noteExpiries()
}

// setClock sets the wall clock alone, forward or back.
func (h *history) setClock(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{-time.Hour, -time.Minute, -modelGrace, modelGrace, time.Minute, time.Hour, 25 * time.Hour}).Draw(t, "by")
	h.step("the wall clock is set by %s", d)
	h.clock.Set(d)
	h.clockSet = true
	if d > 0 {
		h.ahead += d
	} else {
		h.back -= d
	}
	for _, l := range h.order {
		l.detectable = l.detectable && !l.activated // the ten minutes are measured by the wall clock
	}
	h.noteExpiries()
}

// restart kills a process: a request in flight takes effect in Kratos and
// nowhere else.
func (h *history) restart(t *rapid.T) {
	n := h.drawNode(t)
	h.step("bridge %d is killed", n.name)
	h.kill(n, func() { n.w.Restart(h.scope) })
}

func (h *history) kill(n *node, open func()) {
	open()
	n.wrapStore()
	n.outbox.takeStarted()
	n.sent = nil
	if f := n.pending; f != nil {
		f.lost = true
		h.withoutTrouble(n)
		h.finishAccept(f)
	}
}

// backup is a copy of a store, and what the model knew of it at that time.
type backup struct {
	file        []byte
	invitations map[uuid.UUID]storedState
	links       int
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
	if err := n.w.Service.Backup(t.Context(), &file); errors.Is(err, bridge.ErrBackupNotSupported) {
		t.Skip()
	} else if err != nil {
		h.Fatal(err)
	}
	b := &backup{file: file.Bytes(), invitations: map[uuid.UUID]storedState{}, links: len(h.links)}
	for _, l := range h.order {
		if l.node == n && !l.lost {
			b.invitations[l.id] = l.storedState
		}
	}
	n.backup = b
	h.step("the store of bridge %d is copied", n.name)
}

// restore puts the copy back and starts the process on it, with the tokens of
// that time.
func (h *history) restore(t *rapid.T) {
	n := h.drawNode(t)
	b := n.backup
	if b == nil {
		t.Skip()
	}
	h.applyDueWrites(nil, 0)
	h.step("the store of bridge %d is restored", n.name)
	h.kill(n, func() {
		n.w.Restore(h.scope, b.file)
		h.rollBack(n, b)
		h.noteReminders(n)
	})
	h.rollBack(n, b) // again, for what was in flight
	n.restored = true
	h.noteExpiries()
}

// rollBack drops what a bridge learned after the copy was made. Its changes to
// accounts stay.
func (h *history) rollBack(n *node, b *backup) {
	for _, l := range h.order {
		if l.node != n {
			continue
		}
		then, there := b.invitations[l.id]
		l.storedState = then
		l.lost, l.detectable = !there, false
		if h.accounts[l.identity].cleaned {
			l.permit = min(l.permit, perhaps) // the bridge does not know that it began to clean
		}
	}
	for i := range h.links {
		if k := &h.links[i]; k.invitation.node == n && i >= b.links {
			k.lost = true
		}
	}
}
