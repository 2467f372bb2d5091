package bridge_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// TestSweepExpiresWithoutKratos: expiring never waits for Kratos, even if the
// outcome of an acceptance is unknown.
func TestSweepExpiresWithoutKratos(t *testing.T) {
	w := bridgetest.New(t)
	unresolved := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	restore := w.Kratos.OnPut(kratostest.Fault{Do: kratostest.CutBefore})
	_, err := w.Service.Accept(t.Context(), unresolved.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosUnavailable)
	restore()
	w.Clock.Advance(bridgetest.Lease)
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"b@example.com", "c@example.com"} {
		invite(t, w, bridge.InviteRequest{Email: other, ExpiresIn: time.Hour})
	}
	w.Clock.Advance(time.Hour)
	w.Kratos.Down()
	swept, err := w.Service.Sweep(t.Context())
	refused(t, err, bridge.ErrKratosUnavailable)
	if swept.Expired != 3 {
		t.Errorf("expired %d while Kratos is unavailable, want 3", swept.Expired)
	}
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.CloseIdleConnections()
	if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Checked != 1 {
		t.Errorf("when Kratos is back: %+v, %v", swept, err)
	}
}

func TestExpireGoesInSteps(t *testing.T) {
	w := bridgetest.New(t)
	const due = 250
	for i := range due {
		invite(t, w, bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i), ExpiresIn: time.Hour})
	}
	w.Clock.Advance(time.Hour)
	for i, want := range []int{100, 100, 50, 0} {
		if n, err := w.Service.ExpireDue(t.Context()); n != want || err != nil {
			t.Errorf("step %d expired %d, %v; want %d", i, n, err, want)
		}
	}
}

// TestHundredThousandDue: however many invitations are due, callers wait for at
// most one step of the sweep.
func TestHundredThousandDue(t *testing.T) {
	testenv.SkipIfShort(t, "100,000 invitations")
	const due, step = 100_000, 500
	w := bridgetest.New(t, func(c *bridge.Config) { c.EndpointsFor = nil })
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
	swept := make(chan bridge.SweepResult, 1)
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
			t.Logf("%d expired; %d invitations were created meanwhile, the slowest took %s", s.Expired, served, longest)
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
		want bridge.SweepResult
	}{
		{time.Hour, bridge.SweepResult{Expired: 1}},
		{48*time.Hour - time.Second, bridge.SweepResult{}},
		{time.Second, bridge.SweepResult{Purged: 1}},
		{time.Hour, bridge.SweepResult{}},
	} {
		w.Clock.Advance(step.wait)
		if swept, err := w.Service.Sweep(t.Context()); swept != step.want || err != nil {
			t.Errorf("swept %+v, %v; want %+v", swept, err, step.want)
		}
	}
	_, err := w.Service.Get(t.Context(), offer.Invitation.ID)
	refused(t, err, bridge.ErrNotFound)
	_, err = w.Service.Preview(t.Context(), offer.Token.Reveal())
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
	if _, err := w.Service.Sweep(t.Context()); !errors.Is(err, bridge.ErrStoreUnavailable) {
		t.Errorf("a sweep without the store: %v", err)
	}
	w.Store.FailUpdates(nil)
	if swept, err := w.Service.Sweep(t.Context()); swept.Expired != 3 || err != nil {
		t.Errorf("swept %+v, %v", swept, err)
	}
	if w.Kratos.Exists(made.Invitation.IdentityID) {
		t.Error("the identity that the bridge created was not deleted")
	}
	if !w.Kratos.Exists(adopted) || !w.Kratos.Exists(other.Invitation.IdentityID) {
		t.Error("an identity was deleted that the bridge did not create, or that was active")
	}
}
