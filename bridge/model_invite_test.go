package bridge_test

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
)

func (h *history) invite(t *rapid.T) {
	email := rapid.SampledFrom([]string{"a@example.com", "b@example.com"}).Draw(t, "email")
	lifespan := rapid.SampledFrom([]time.Duration{10 * time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "lifespan")
	r := bridge.InviteRequest{Email: email, ExpiresIn: lifespan}
	id, named := h.accountOf(email)
	if named != nil && rapid.IntRange(0, 3).Draw(t, "named") == 0 {
		r.Email, r.IdentityID = "", id
	} else {
		named = nil
	}
	h.meet(t, createTrouble, createTrouble, hookTrouble, storeTrouble)
	offer, err := h.w.Service.Invite(t.Context(), r)
	h.over()
	var l *life
	want := h.reads()
	if named == nil || want == nil {
		want, l = h.invites(email, lifespan, offer.Invitation, named != nil)
	}
	h.answered("invite "+email, err, want)
	if want == nil {
		h.offered(offer, l)
	}
}

// offered takes over the token of an answer.
func (h *history) offered(offer bridge.Offer, l *life) {
	if offer.Invitation.ID != l.id {
		h.Fatalf("offered %s, want %s", offer.Invitation.ID, l.id)
	}
	h.links = append(h.links, link{offer.Token.Reveal(), l.id, l.epoch})
}

func (h *history) invites(email string, lifespan time.Duration, made bridge.Invitation, named bool) (*bridge.Error, *life) {
	for range 3 {
		l := h.pendingOf(email)
		if l == nil || h.due(l) {
			return h.invitesNew(email, lifespan, made, l, named)
		}
		if !h.now().Before(l.expires) {
			return bridge.ErrAcceptInProgress, nil
		}
		if e := h.reads(); e != nil {
			return e, nil
		}
		if a := h.accounts[l.identity]; a == nil || a.active || a.by == l.id {
			if !h.closes(l) {
				return bridge.ErrStoreAway, nil
			}
			if a != nil && a.active {
				return bridge.ErrIdentityActive, nil
			}
			continue
		}
		if !h.commit() {
			return bridge.ErrStoreAway, nil
		}
		if !h.now().Before(l.announced.Add(modelCooldown)) {
			l.announced = h.now()
		}
		return nil, l
	}
	return bridge.ErrIdentityConflict, nil
}

// closes ends an invitation whose identity is gone or active, unless somebody
// is accepting. It says whether that was kept.
func (h *history) closes(l *life) bool {
	kept := h.commit()
	if kept && l.claim == nil {
		h.settled(l)
	}
	return kept
}

func (h *history) invitesNew(email string, lifespan time.Duration, made bridge.Invitation, old *life, named bool) (*bridge.Error, *life) {
	if e := h.refuses(); e != nil {
		return e, nil
	}
	creates := !named && h.trouble.method == http.MethodPost
	if h.trouble.down || creates && !h.trouble.lands {
		return bridge.ErrKratosAway, nil
	}
	id, a := h.accountOf(email)
	fresh := a == nil
	if fresh {
		var err error
		if id, err = h.w.Kratos.Find(email); err == nil {
			a = &account{email: email, made: made.ID}
			h.accounts[id] = a
		} else if h.commit() {
			h.Fatalf("no identity was made: %v", err)
		} else {
			return bridge.ErrStoreAway, nil // and it was taken away again
		}
	}
	switch {
	case creates:
		return bridge.ErrKratosAway, nil // made, or not, and nobody heard of it
	case a.active:
		return bridge.ErrIdentityActive, nil
	case !h.commit():
		if fresh {
			h.Fatalf("the identity of a failed invite was left behind")
		}
		return bridge.ErrStoreAway, nil
	}
	if old != nil {
		h.expired(old)
	}
	l := &life{
		id: made.ID, identity: id, email: email, state: bridge.StatePending, lifespan: lifespan,
		expires: h.now().Add(lifespan), announced: h.now(), told: map[bridge.Event]int{},
	}
	h.lives[l.id] = l
	h.order = append(h.order, l.id)
	return nil, l
}

func (h *history) accountOf(email string) (uuid.UUID, *account) {
	for id, a := range h.accounts {
		if a.email == email {
			return id, a
		}
	}
	return uuid.Nil, nil
}
