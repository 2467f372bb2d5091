package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// rivals is how many Updates compete at once.
const rivals = 64

var contentionTests = []test{
	{"one claim wins", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		won := b.contend(bridge.ErrAcceptInProgress, func(tx bridge.Tx, i int) error {
			got, err := tx.Invitation(inv.ID)
			if err != nil {
				return err
			}
			got, err = got.BeginAccept(uuid.UUID{1, byte(i)}, uuid.Nil, epoch, time.Minute)
			if err != nil {
				return err
			}
			return tx.PutInvitation(got)
		})
		b.same("the winner's claim", true, len(won) == 1 && b.get(inv.ID).HoldsClaim(uuid.UUID{1, byte(won[0])}))
	}},
	{"one accept wins", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		d := digestOf("token")
		b.putToken(d, bridge.TokenRecord{InvitationID: inv.ID})
		won := b.contend(bridge.ErrAccepted, func(tx bridge.Tx, i int) error {
			got, _, err := tx.InvitationByToken(d)
			if err != nil {
				return err
			}
			if got, err = got.BeginAccept(uuid.UUID{1}, uuid.Nil, epoch, time.Minute); err != nil {
				return err
			}
			return tx.PutInvitation(got.Accept(epoch.Add(time.Duration(i) * time.Second)))
		})
		got := b.get(inv.ID)
		b.same("accepted at the winner's time", true, len(won) == 1 && got.AcceptedAt.Equal(epoch.Add(time.Duration(won[0])*time.Second)))
		b.same("state", bridge.StateAccepted, got.State)
	}},
	{"one invitation per email wins", func(b *fixture) {
		list := make([]bridge.Invitation, rivals)
		for i := range list {
			list[i] = b.invitation()
			list[i].Email = "same@example.com"
		}
		won := b.contend(bridge.ErrPendingExists, func(tx bridge.Tx, i int) error { return tx.PutInvitation(list[i]) })
		b.same("winners", 1, len(won))
		b.sameLists([]bridge.Invitation{list[won[0]]})
	}},
	{"no update is lost", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		for range 5 {
			won := b.contend(nil, func(tx bridge.Tx, _ int) error {
				got, err := tx.Invitation(inv.ID)
				got.Epoch++
				return errors.Join(err, tx.PutInvitation(got))
			})
			b.same("updates", rivals, len(won))
		}
		b.same("count", 5*rivals, b.get(inv.ID).Epoch)
	}},
	{"all updates without a conflict win", func(b *fixture) {
		list := b.mixedInvitations(rivals)
		won := b.contend(nil, func(tx bridge.Tx, i int) error {
			return errors.Join(tx.PutInvitation(list[i]),
				tx.PutToken(digestOf(fmt.Sprint(i)), bridge.TokenRecord{InvitationID: list[i].ID, Epoch: i}))
		})
		b.same("updates", rivals, len(won))
		b.sameLists(list)
		for i, inv := range list {
			b.hasToken(digestOf(fmt.Sprint(i)), inv, bridge.TokenRecord{InvitationID: inv.ID, Epoch: i})
		}
	}},
	{"revoke, accept and expire exclude each other", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		refused := errors.New("too late")
		won := b.contend(refused, func(tx bridge.Tx, i int) error {
			got, err := tx.Invitation(inv.ID)
			if err != nil {
				return err
			}
			if got.State != bridge.StatePending {
				return refused
			}
			switch i % 3 {
			case 0:
				if got, err = got.BeginAccept(uuid.UUID{1}, uuid.Nil, epoch, time.Minute); err == nil {
					got = got.Accept(epoch)
				}
			case 1:
				got, err = got.Revoke(bridge.ReasonRequested, epoch)
			case 2:
				got = got.Expire(got.ExpiresAt)
			}
			return errors.Join(err, tx.PutInvitation(got))
		})
		b.same("winners", 1, len(won))
		states := [...]bridge.State{bridge.StateAccepted, bridge.StateRevoked, bridge.StateExpired}
		b.same("state", states[won[0]%3], b.get(inv.ID).State)
	}},
	{"sweepers share the work", func(b *fixture) {
		for range rivals {
			b.put(b.invitation())
		}
		b.contend(nil, func(tx bridge.Tx, _ int) error {
			list, err := tx.ExpiringInvitations(far, 1)
			if err != nil || len(list) != 1 {
				return errors.Join(err, fmt.Errorf("got %d invitations, want 1", len(list)))
			}
			return tx.PutInvitation(list[0].Expire(far))
		})
		b.same("expired", rivals, len(b.list(bridge.InvitationQuery{State: bridge.StateExpired, Limit: 1000})))
	}},
}

// contend runs fn in many Updates at once, each with a number, and returns the
// numbers of those that succeeded. The others must have failed with lost.
func (b *fixture) contend(lost error, fn func(tx bridge.Tx, i int) error) (won []int) {
	b.Helper()
	errs := make([]error, rivals)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range rivals {
		wg.Go(func() {
			<-start
			errs[i] = b.store.Update(context.Background(), func(tx bridge.Tx) error { return fn(tx, i) })
		})
	}
	close(start)
	wg.Wait()
	for i, err := range errs {
		switch {
		case err == nil:
			won = append(won, i)
		case lost == nil || !errors.Is(err, lost):
			b.Errorf("%d: got %v, want nil or %v", i, err, lost)
		}
	}
	if len(won) == 0 {
		b.Fatal("no update succeeded")
	}
	return won
}
