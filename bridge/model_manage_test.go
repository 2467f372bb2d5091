package bridge_test

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
)

// drawLife picks an invitation, or one that was never there.
func (h *history) drawLife(t *rapid.T) (uuid.UUID, *life) {
	ids := append([]uuid.UUID{uuid.Nil}, h.order...)
	id := ids[max(rapid.IntRange(0, len(ids)-1).Draw(t, "invitation"), rapid.IntRange(0, len(ids)-1).Draw(t, "or"))]
	return id, h.lives[id]
}

func (h *history) resend(t *rapid.T) {
	id, l := h.drawLife(t)
	h.meet(t, storeTrouble)
	offer, err := h.w.Service.Resend(t.Context(), id)
	h.over()
	want := h.resends(l)
	h.answered("resend", err, want)
	if want == nil {
		h.offered(offer, l)
	}
}

func (h *history) resends(l *life) *bridge.Error {
	ended := h.ended(l)
	if ended != nil && !errors.Is(ended, bridge.ErrExpired) {
		return ended
	}
	if e := h.reads(); e != nil {
		return e
	}
	if a := h.accounts[l.identity]; a == nil || a.active || a.by == l.id {
		switch {
		case !h.closes(l):
			return bridge.ErrStoreAway
		case a != nil && a.active:
			return bridge.ErrIdentityActive
		case a != nil:
			return bridge.ErrAccepted
		case ended != nil:
			return bridge.ErrIdentityConflict
		}
		return bridge.ErrRevoked
	}
	if other := h.pendingOf(l.email); other != nil && other != l {
		return bridge.ErrIdentityConflict
	}
	if !h.commit() {
		return bridge.ErrStoreAway
	}
	h.revived(l)
	return nil
}

// renew gives no token: its letter does, see deliver.
func (h *history) renew(t *rapid.T) {
	if len(h.links) == 0 {
		t.Skip()
	}
	k := rapid.SampledFrom(h.links).Draw(t, "token")
	h.meet(t, storeTrouble)
	err := h.w.Service.Renew(t.Context(), k.text)
	h.over()
	h.answered("renew", err, h.renews(k))
}

func (h *history) renews(k link) *bridge.Error {
	l := h.lives[k.life]
	pause := modelCooldown << min(max(l.letters-1, 0), 16) // an old link is no means to fill a mailbox
	if h.deleting || !errors.Is(asError(h.opens(k)), bridge.ErrExpired) || h.now().Before(l.announced.Add(pause)) {
		return nil
	}
	if e := h.reads(); e != nil {
		return e
	}
	if a := h.accounts[l.identity]; a == nil || a.active || a.by == l.id {
		if !h.closes(l) {
			return bridge.ErrStoreAway
		}
		return nil
	}
	if h.accounts[l.identity].password != "" {
		return nil // somebody could once sign in
	}
	if last := h.newestOf(l.email).state; last == bridge.StateRevoked || last == bridge.StateAccepted {
		return nil
	}
	if other := h.pendingOf(l.email); other != nil && other != l {
		return nil
	}
	if !h.commit() {
		return bridge.ErrStoreAway
	}
	l.announced = h.now()
	if h.ended(l) != nil { // else the letter alone is repeated
		h.revived(l)
	}
	return nil
}

// regret has an inviter ask somebody anew whose invitation has expired, and
// think better of it: the old link is no way around that.
func (h *history) regret(t *rapid.T) {
	expired := slices.DeleteFunc(slices.Clone(h.links), func(k link) bool { return !errors.Is(asError(h.ended(h.lives[k.life])), bridge.ErrExpired) })
	if len(expired) == 0 || h.flight != nil {
		t.Skip()
	}
	k := rapid.SampledFrom(expired).Draw(t, "token")
	email := h.lives[k.life].email
	h.calm()
	offer, err := h.w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	want, l := h.invites(email, time.Hour, offer.Invitation, false)
	h.answered("invite anew "+email, err, want)
	if want != nil {
		return
	}
	h.offered(offer, l)
	_, err = h.w.Service.Revoke(t.Context(), l.id)
	h.answered("revoke the new one", err, h.revokesNow(l))
	h.passes(24 * time.Hour)
	h.answered("renew the old one", h.w.Service.Renew(t.Context(), k.text), h.renews(k))
}

func (h *history) newestOf(email string) (newest *life) {
	for _, l := range h.lives {
		if !l.purged && l.email == email && (newest == nil || bytes.Compare(l.id[:], newest.id[:]) > 0) {
			newest = l
		}
	}
	return newest
}

func (h *history) revoke(t *rapid.T) {
	id, l := h.drawLife(t)
	h.meet(t, storeTrouble)
	inv, err := h.w.Service.Revoke(t.Context(), id)
	h.over()
	h.answered("revoke", err, h.revokesNow(l))
	if err == nil && (inv.ID != id || inv.State != bridge.StateRevoked) {
		h.Fatalf("revoke of %s gave %s, %s", id, inv.ID, inv.State)
	}
}

func (h *history) revokesNow(l *life) *bridge.Error {
	if l == nil || l.purged {
		return bridge.ErrNotFound
	}
	if h.lapsed(l) {
		if e := h.reads(); e != nil {
			return e
		}
		if !h.commit() {
			return bridge.ErrStoreAway
		}
		h.settled(l)
	} else if l.doubt && l.claim == nil && l.state != bridge.StateRevoked && l.state != bridge.StateAccepted {
		if e := h.reads(); e != nil {
			return e
		}
		if a := h.accounts[l.identity]; a != nil && a.by == l.id && !h.closes(l) {
			return bridge.ErrStoreAway
		}
	}
	switch {
	case l.state == bridge.StateAccepted:
		return bridge.ErrAccepted
	case l.claim != nil:
		return bridge.ErrAcceptInProgress
	case !h.commit():
		return bridge.ErrStoreAway
	case l.state != bridge.StateRevoked:
		h.revoked(l)
	}
	return nil
}
