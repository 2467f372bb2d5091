package bridge_test

import (
	"errors"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

func digest(text string) bridge.Digest { return bridge.IdempotencyKey("", "", text) }

// TestIdempotent_invite: a repetition gets the first invitation with a usable token, and
// nobody is notified again.
func TestIdempotent_invite(t *testing.T) {
	w := bridgetest.New(t)
	r := bridge.InviteRequest{Email: email, Idempotent: digest("key"), Content: digest("content")}
	first := invite(t, w, r)
	w.Clock.Advance(time.Hour) // the cooldown is over
	second := invite(t, w, r)
	if !first.Created || !second.Created || first.Invitation.ID != second.Invitation.ID {
		t.Fatalf("%+v, %+v", first, second)
	}
	if events := w.EventsFor(t, bridgetest.Hook); len(events) != 1 || emailsSent(t, w) != 1 {
		t.Errorf("%v", events)
	}
	other := r
	other.Content = digest("other content")
	_, err := w.Service.Invite(t.Context(), other)
	refused(t, err, bridge.ErrIdempotencyKeyReused)
	accept(t, w, second, password)
	ended := invite(t, w, r)
	if ended.Link != "" || ended.Invitation.State != bridge.StateAccepted {
		t.Errorf("after the acceptance: %+v", ended)
	}
	w.Clock.Advance(24 * time.Hour)
	_, err = w.Service.Invite(t.Context(), other)
	refused(t, err, bridge.ErrIdentityAlreadyActive) // the key is free again
	if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Requests != 1 {
		t.Errorf("%+v, %v", swept, err)
	}
}

// TestIdempotent_failed: a request that failed is not remembered.
func TestIdempotent_failed(t *testing.T) {
	w := bridgetest.New(t)
	r := bridge.InviteRequest{Email: email, Idempotent: digest("key"), Content: digest("content")}
	w.Store.FailCommits(errors.New("disk full"))
	_, err := w.Service.Invite(t.Context(), r)
	refused(t, err, bridge.ErrStoreUnavailable)
	w.Store.FailCommits(nil)
	w.Clock.Advance(testLease)
	if offer := invite(t, w, r); !offer.Created {
		t.Errorf("%+v", offer)
	}
}

// TestIdempotent_concurrent: requests with one key create one invitation with one email.
func TestIdempotent_concurrent(t *testing.T) {
	w := bridgetest.New(t)
	r := bridge.InviteRequest{Email: email, Idempotent: digest("key"), Content: digest("content")}
	results := make(chan bridge.IssuedInvitation)
	for range 5 {
		go func() {
			offer, err := w.Service.Invite(t.Context(), r)
			if err != nil {
				t.Error(err)
			}
			results <- offer
		}()
	}
	first := <-results
	for range 4 {
		if next := <-results; next.Invitation.ID != first.Invitation.ID || !next.Created {
			t.Errorf("%+v, %+v", first, next)
		}
	}
	if n := emailsSent(t, w); n != 1 {
		t.Errorf("%d emails", n)
	}
}

// TestIdempotent_import: a repetition gets the first import, and its rows are not kept.
func TestIdempotent_import(t *testing.T) {
	w := bridgetest.New(t)
	r := bridge.ImportRequest{Idempotent: digest("key"), Content: func() bridge.Digest { return digest("content") }}
	first := startImport(t, w, r, addresses(3)...)
	runImports(t, w)
	again, created, err := w.Service.Import(t.Context(), r, file(addresses(3)...))
	if err != nil || created || again.ID != first.ID || again.State != bridge.ImportFinished {
		t.Fatalf("%+v, %v, %v", again, created, err)
	}
	r.Content = func() bridge.Digest { return digest("other") }
	_, _, err = w.Service.Import(t.Context(), r, file(addresses(2)...))
	refused(t, err, bridge.ErrIdempotencyKeyReused)
	runImports(t, w)
	if page, _, err := w.Service.Imports(t.Context(), [16]byte{}, 10); err != nil || len(page) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}
