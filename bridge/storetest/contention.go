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

// rivals is how many want the same thing at once.
const rivals = 64

var contentionTests = []test{
	{"one claim wins", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		won := b.rivalry(bridge.ErrAcceptInProgress, func(tx bridge.Tx, i int) error {
			got, err := tx.Invitation(inv.ID)
			if err != nil {
				return err
			}
			got, err = got.Begin(uuid.UUID{1, byte(i)}, uuid.Nil, epoch, time.Minute)
			if err != nil {
				return err
			}
			return tx.PutInvitation(got)
		})
		b.same("the winner's claim", true, len(won) == 1 && b.get(inv.ID).Holds(uuid.UUID{1, byte(won[0])}))
	}},
	{"one accept wins", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		d := digestOf("token")
		b.putToken(d, bridge.TokenRecord{InvitationID: inv.ID})
		won := b.rivalry(bridge.ErrAccepted, func(tx bridge.Tx, i int) error {
			got, _, err := tx.InvitationByToken(d)
			if err != nil {
				return err
			}
			if got, err = got.Begin(uuid.UUID{1}, uuid.Nil, epoch, time.Minute); err != nil {
				return err
			}
			return tx.PutInvitation(got.Accept(epoch.Add(time.Duration(i) * time.Second)))
		})
		got := b.get(inv.ID)
		b.same("accepted at the winner's time", true, len(won) == 1 && got.AcceptedAt.Equal(epoch.Add(time.Duration(won[0])*time.Second)))
		b.same("state", bridge.StateAccepted, got.State)
	}},
	{"one invitation of an e-mail wins", func(b *bench) {
		list := make([]bridge.Invitation, rivals)
		for i := range list {
			list[i] = b.invitation()
			list[i].Email = "same@example.com"
		}
		won := b.rivalry(bridge.ErrTaken, func(tx bridge.Tx, i int) error { return tx.PutInvitation(list[i]) })
		b.same("winners", 1, len(won))
		b.sameLists([]bridge.Invitation{list[won[0]]})
	}},
	{"no update is lost", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		for range 5 {
			won := b.rivalry(nil, func(tx bridge.Tx, _ int) error {
				got, err := tx.Invitation(inv.ID)
				got.Epoch++
				return errors.Join(err, tx.PutInvitation(got))
			})
			b.same("updates", rivals, len(won))
		}
		b.same("count", 5*rivals, b.get(inv.ID).Epoch)
	}},
	{"all of those that do not meet win", func(b *bench) {
		list := b.world(rivals)
		won := b.rivalry(nil, func(tx bridge.Tx, i int) error {
			return errors.Join(tx.PutInvitation(list[i]),
				tx.PutToken(digestOf(fmt.Sprint(i)), bridge.TokenRecord{InvitationID: list[i].ID, Epoch: i}))
		})
		b.same("updates", rivals, len(won))
		b.sameLists(list)
		for i, inv := range list {
			b.hasToken(digestOf(fmt.Sprint(i)), inv, bridge.TokenRecord{InvitationID: inv.ID, Epoch: i})
		}
	}},
	{"revoke, accept and expire exclude each other", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		refused := errors.New("too late")
		won := b.rivalry(refused, func(tx bridge.Tx, i int) error {
			got, err := tx.Invitation(inv.ID)
			if err != nil {
				return err
			}
			if got.State != bridge.StatePending {
				return refused
			}
			switch i % 3 {
			case 0:
				if got, err = got.Begin(uuid.UUID{1}, uuid.Nil, epoch, time.Minute); err == nil {
					got = got.Accept(epoch)
				}
			case 1:
				got, err = got.Revoke(epoch)
			case 2:
				got = got.Expire(got.ExpiresAt)
			}
			return errors.Join(err, tx.PutInvitation(got))
		})
		b.same("winners", 1, len(won))
		states := [...]bridge.State{bridge.StateAccepted, bridge.StateRevoked, bridge.StateExpired}
		b.same("state", states[won[0]%3], b.get(inv.ID).State)
	}},
	{"sweepers share the work", func(b *bench) {
		for range rivals {
			b.put(b.invitation())
		}
		b.rivalry(nil, func(tx bridge.Tx, _ int) error {
			list, err := tx.ExpiringInvitations(far, 1)
			if err != nil || len(list) != 1 {
				return errors.Join(err, fmt.Errorf("%d are left", len(list)))
			}
			return tx.PutInvitation(list[0].Expire(far))
		})
		b.same("expired", rivals, len(b.list(bridge.Query{State: bridge.StateExpired, Limit: 1000})))
	}},
}

// rivalry runs fn in many Updates at once, each with its number, and gives the
// numbers of those that succeeded. The others must have failed with lost.
func (b *bench) rivalry(lost error, fn func(tx bridge.Tx, i int) error) (won []int) {
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
		b.Fatal("nobody won")
	}
	return won
}
