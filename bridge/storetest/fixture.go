package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

// epoch is the suite's time: stores get the time as an argument and never read a
// clock.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 89_000, time.UTC)

// fixture is a fresh store for one test, with helpers that fail the test if the
// store does.
type fixture struct {
	*testing.T
	store bridge.Store
	open  Opener
	dir   string
	made  int // invitations and messages
}

func newFixture(t *testing.T, open Opener) *fixture {
	b := &fixture{T: t, open: open, dir: t.TempDir()}
	b.reopen()
	return b
}

// reopen opens the store, which must be closed or new.
func (b *fixture) reopen() {
	b.Helper()
	store := b.open(b.T, b.dir)
	b.store = store
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Errorf("Close: %v", err)
		}
	})
}

func (b *fixture) update(fn func(bridge.Tx) error) {
	b.Helper()
	if err := b.store.Update(context.Background(), fn); err != nil {
		b.Fatalf("Update: %v", err)
	}
}

func (b *fixture) view(fn func(bridge.Tx) error) {
	b.Helper()
	if err := b.store.View(context.Background(), fn); err != nil {
		b.Fatalf("View: %v", err)
	}
}

func (b *fixture) put(list ...bridge.Invitation) {
	b.Helper()
	b.update(putAll(list...))
}

func putAll(list ...bridge.Invitation) func(bridge.Tx) error {
	return func(tx bridge.Tx) error {
		for _, inv := range list {
			if err := tx.PutInvitation(inv); err != nil {
				return fmt.Errorf("put %s: %w", inv.Email, err)
			}
		}
		return nil
	}
}

func (b *fixture) putToken(d bridge.Digest, r bridge.TokenRecord) {
	b.Helper()
	b.update(func(tx bridge.Tx) error { return tx.PutToken(d, r) })
}

// get reads an invitation that must exist.
func (b *fixture) get(id uuid.UUID) (inv bridge.Invitation) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		inv, err = tx.Invitation(id)
		return err
	})
	return inv
}

func (b *fixture) list(q bridge.InvitationQuery) []bridge.Invitation {
	b.Helper()
	return b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return tx.ListInvitations(q) })
}

func (b *fixture) rows(read func(bridge.Tx) ([]bridge.Invitation, error)) (list []bridge.Invitation) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		list, err = read(tx)
		return err
	})
	return list
}

// missing checks that no read finds an invitation or its tokens.
func (b *fixture) missing(inv bridge.Invitation, tokens ...bridge.Digest) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		_, err := tx.Invitation(inv.ID)
		b.is(err, bridge.ErrRowNotFound)
		_, err = tx.PendingInvitation(inv.Email, inv.SchemaID)
		b.is(err, bridge.ErrRowNotFound)
		_, err = tx.PendingOfIdentity(inv.IdentityID)
		b.is(err, bridge.ErrRowNotFound)
		for _, d := range tokens {
			_, _, err = tx.InvitationByToken(d)
			b.is(err, bridge.ErrRowNotFound)
		}
		for name, q := range queriesFor(inv) {
			list, err := tx.ListInvitations(q)
			b.is(err, nil)
			if len(list) > 0 && list[0].ID == inv.ID {
				b.Errorf("%s is still listed by %s", inv.ID, name)
			}
		}
		return nil
	})
}

// same compares what the store returned with what it should; nil equals empty.
func (b *fixture) same(what string, want, got any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// is checks an error with errors.Is; a nil target requires nil.
func (b *fixture) is(err, target error) {
	b.Helper()
	if !errors.Is(err, target) {
		b.Errorf("got error %v, want %v", err, target)
	}
}

// invitation makes the next pending invitation, with a higher id than all before
// it, a unique email address and no optional fields.
func (b *fixture) invitation() bridge.Invitation {
	b.made++
	return numbered(b.made)
}

// numbered makes the n-th invitation of a test.
func numbered(n int) bridge.Invitation {
	at := epoch.Add(time.Duration(n) * time.Second)
	return bridge.Invitation{
		ID:        idAt(at, n),
		State:     bridge.StatePending,
		Email:     fmt.Sprintf("invitee-%d@example.com", n),
		SchemaID:  "default",
		Lifespan:  time.Hour,
		Delivery:  bridge.DeliveryOff,
		CreatedAt: at,
		UpdatedAt: at,
		ExpiresAt: at.Add(time.Hour),
	}
}

// idAt makes a UUIDv7 of a time; n distinguishes ids of the same time.
func idAt(at time.Time, n int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	id[6], id[8] = 0x70, 0x80
	return id
}

func digestOf(text string) (d bridge.Digest) {
	copy(d[:], text)
	d[len(d)-1] = byte(len(text))
	return d
}
