package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

func contextThatEnds(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

func TestResend(t *testing.T) {
	t.Run("pending: the expiry moves, old tokens live on", func(t *testing.T) {
		w := bridgetest.New(t)
		first := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: 2 * time.Hour})
		w.Clock.Advance(time.Hour)
		second, err := w.Service.Resend(t.Context(), first.Invitation.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := second.Invitation.ExpiresAt.Sub(w.Clock.Now()); got != 2*time.Hour {
			t.Errorf("it lives for %s", got)
		}
		if len(w.Told(t, bridge.EndpointCourier)) != 2 {
			t.Errorf("the invitee was told %d times", len(w.Told(t, bridge.EndpointCourier)))
		}
		accept(t, w, first, password)
	})
	t.Run("expired: revived, old tokens stay dead", func(t *testing.T) {
		for _, swept := range []bool{false, true} {
			w := bridgetest.New(t)
			first := invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(24 * time.Hour)
			if swept {
				if _, err := w.Service.Expire(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			second, err := w.Service.Resend(t.Context(), first.Invitation.ID)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Service.Accept(t.Context(), first.Token.Reveal(), password)
			refused(t, err, bridge.ErrExpired)
			accept(t, w, second, password)
		}
	})
	t.Run("expired, while a newer one is pending", func(t *testing.T) {
		w := bridgetest.New(t)
		first := invite(t, w, bridge.InviteRequest{Email: email})
		w.Clock.Advance(24 * time.Hour)
		invite(t, w, bridge.InviteRequest{Email: email})
		_, err := w.Service.Resend(t.Context(), first.Invitation.ID)
		refused(t, err, bridge.ErrIdentityConflict)
	})
	t.Run("ended, unknown, or without its identity", func(t *testing.T) {
		w := bridgetest.New(t)
		accepted := invite(t, w, bridge.InviteRequest{Email: email})
		accept(t, w, accepted, password)
		revoked := invite(t, w, bridge.InviteRequest{Email: "b@example.com"})
		if _, err := w.Service.Revoke(t.Context(), revoked.Invitation.ID); err != nil {
			t.Fatal(err)
		}
		orphan := invite(t, w, bridge.InviteRequest{Email: "c@example.com"})
		w.Kratos.Remove(orphan.Invitation.IdentityID)
		other := invite(t, w, bridge.InviteRequest{Email: "d@example.com"})
		w.Kratos.ActivateByHand(other.Invitation.IdentityID, "theirs")
		for id, want := range map[uuid.UUID]*bridge.Error{
			accepted.Invitation.ID: bridge.ErrAccepted, revoked.Invitation.ID: bridge.ErrRevoked,
			orphan.Invitation.ID: bridge.ErrRevoked, other.Invitation.ID: bridge.ErrIdentityInUse, uuid.New(): bridge.ErrNotFound,
		} {
			_, err := w.Service.Resend(t.Context(), id)
			refused(t, err, want)
		}
	})
}

func TestRevoke(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	first, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
	if err != nil || first.State != bridge.StateRevoked {
		t.Fatalf("%s, %v", first.State, err)
	}
	w.Clock.Advance(time.Minute)
	second, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
	if err != nil || !second.RevokedAt.Equal(first.RevokedAt) {
		t.Errorf("revoking twice: %v, %v", second.RevokedAt, err)
	}
	_, err = w.Service.Revoke(t.Context(), uuid.New())
	refused(t, err, bridge.ErrNotFound)
	accepted := invite(t, w, bridge.InviteRequest{Email: "b@example.com"})
	accept(t, w, accepted, password)
	_, err = w.Service.Revoke(t.Context(), accepted.Invitation.ID)
	refused(t, err, bridge.ErrAccepted)
}

func TestList(t *testing.T) {
	w := bridgetest.New(t)
	var ids []uuid.UUID
	for i := range 5 {
		offer := invite(t, w, bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i), InviterID: fmt.Sprint("i", i%2), ExpiresIn: time.Duration(i+1) * time.Hour})
		ids = append([]uuid.UUID{offer.Invitation.ID}, ids...) // newest first
	}
	walk := func(q bridge.Query) (got []uuid.UUID) {
		for {
			page, next, err := w.Service.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, inv := range page {
				got = append(got, inv.ID)
			}
			if q.Before = next; next == uuid.Nil {
				return got
			}
		}
	}
	same := func(name string, got, want []uuid.UUID) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
	same("all", walk(bridge.Query{Limit: 2}), ids)
	same("by e-mail", walk(bridge.Query{Limit: 2, Email: "U3@Example.com"}), ids[1:2])
	same("by inviter", walk(bridge.Query{Limit: 1, InviterID: "i1"}), []uuid.UUID{ids[1], ids[3]})
	w.Clock.Advance(2 * time.Hour) // the two oldest run out
	same("pending, before the sweep", walk(bridge.Query{Limit: 2, State: bridge.StatePending}), ids[:3])
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	same("pending", walk(bridge.Query{Limit: 2, State: bridge.StatePending}), ids[:3])
	same("expired", walk(bridge.Query{Limit: 2, State: bridge.StateExpired}), ids[3:])
	same("expired by inviter", walk(bridge.Query{Limit: 2, State: bridge.StateExpired, InviterID: "i1"}), ids[3:4])
}

func TestExpireGoesInSteps(t *testing.T) {
	w := bridgetest.New(t)
	const due = 250
	for i := range due {
		invite(t, w, bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i), ExpiresIn: time.Hour})
	}
	w.Clock.Advance(time.Hour)
	for i, want := range []int{100, 100, 50, 0} {
		if n, err := w.Service.Expire(t.Context()); n != want || err != nil {
			t.Errorf("step %d expired %d, %v; want %d", i, n, err, want)
		}
	}
}

// TestHundredThousandDue: however many have run out, nobody waits for more than
// one step of the sweep.
func TestHundredThousandDue(t *testing.T) {
	const due, step = 100_000, 500
	w := bridgetest.New(t, func(c *bridge.Config) { c.Endpoints = nil })
	now := w.Clock.Now()
	for first := 0; first < due; first += step {
		err := w.Store.Update(t.Context(), func(tx bridge.Tx) error {
			for i := first; i < first+step; i++ {
				inv := bridge.Invitation{
					ID: uuid.Must(uuid.NewV7()), State: bridge.StatePending, Email: fmt.Sprintf("due%d@example.com", i), SchemaID: "default",
					CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(time.Second), Lifespan: time.Second, Delivery: bridge.DeliveryOff,
				}
				if err := tx.PutInvitation(inv); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Clock.Advance(time.Second)
	swept := make(chan bridge.Swept, 1)
	go func() {
		s, err := w.Service.Sweep(t.Context())
		if err != nil {
			t.Error(err)
		}
		swept <- s
	}()
	var served int
	var longest time.Duration
	for {
		select {
		case s := <-swept:
			t.Logf("%d expired; %d invitations were made meanwhile, the longest took %s", s.Expired, served, longest)
			if s.Expired != due || served < 50 {
				t.Errorf("%d expired, %d served", s.Expired, served)
			}
			return
		default:
			begin := time.Now()
			invite(t, w, bridge.InviteRequest{Email: fmt.Sprintf("new%d@example.com", served)})
			longest = max(longest, time.Since(begin))
			served++
		}
	}
}

func TestSweepPurges(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Retention = 48 * time.Hour })
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	for _, step := range []struct {
		wait time.Duration
		want bridge.Swept
	}{
		{time.Hour, bridge.Swept{Expired: 1}},
		{48*time.Hour - time.Second, bridge.Swept{}},
		{time.Second, bridge.Swept{Purged: 1}},
		{time.Hour, bridge.Swept{}},
	} {
		w.Clock.Advance(step.wait)
		if swept, err := w.Service.Sweep(t.Context()); swept != step.want || err != nil {
			t.Errorf("swept %+v, %v; want %+v", swept, err, step.want)
		}
	}
	_, err := w.Service.Get(t.Context(), offer.Invitation.ID)
	refused(t, err, bridge.ErrNotFound)
	_, err = w.Service.Look(t.Context(), offer.Token.Reveal())
	refused(t, err, bridge.ErrNotFound)
}

func TestSweepDeletesUnacceptedIdentities(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry })
	made := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	adopted := w.Kratos.Add("b@example.com", false)
	invite(t, w, bridge.InviteRequest{Email: "b@example.com", ExpiresIn: time.Hour})
	other := invite(t, w, bridge.InviteRequest{Email: "c@example.com", ExpiresIn: time.Hour})
	w.Kratos.ActivateByHand(other.Invitation.IdentityID, "theirs")
	w.Clock.Advance(time.Hour)

	w.Store.FailUpdates(func(int) error { return errors.New("input/output error") })
	if _, err := w.Service.Sweep(t.Context()); !errors.Is(err, bridge.ErrStoreAway) {
		t.Errorf("a sweep without the store: %v", err)
	}
	w.Store.FailUpdates(nil)
	if swept, err := w.Service.Sweep(t.Context()); swept.Expired != 3 || err != nil {
		t.Errorf("swept %+v, %v", swept, err)
	}
	if w.Kratos.Exists(made.Invitation.IdentityID) {
		t.Error("the identity that the bridge made is left")
	}
	if !w.Kratos.Exists(adopted) || !w.Kratos.Exists(other.Invitation.IdentityID) {
		t.Error("an identity was deleted that was not the bridge's, or was active")
	}
}
