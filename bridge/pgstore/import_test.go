package pgstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// TestRoundTrips_import counts the round trips of the updates of an import, as the rules
// make them, for 500 rows: each read is one, and all writes are sent with the commit.
func TestRoundTrips_import(t *testing.T) {
	proxy, dsn := startProxy(t, newDatabase(t))
	s := open(t, withWords(t, dsn, "max_conns", "1"))
	i := importOf(1)
	update(t, s, func(tx bridge.Tx) error { return tx.PutImport(i) })
	for round := range 2 { // in the first one, statements are prepared
		for _, step := range []struct {
			name string
			most int
			call func() error
		}{
			{"load", 3, func() error { return load(s, i.ID, round*groupSize) }},
			{"claim", 3, func() error { return claim(s, i.DueAt) }},
			{"finish", 5, func() error { return finish(s, i.ID, round*groupSize) }},
		} {
			before := proxy.roundTrips()
			if err := step.call(); err != nil {
				t.Fatal(step.name, err)
			}
			if got := proxy.roundTrips() - before; round > 0 && got > step.most {
				t.Errorf("%s: %d round trips, want at most %d", step.name, got, step.most)
			}
		}
	}
	checkCounters(t, dsn)
}

// TestImportSerialized: updates that use an import do not lose each other's changes,
// however they read it, and whether they use invitations before or after. None waits for
// another one that waits for it.
func TestImportSerialized(t *testing.T) {
	s := open(t, withWords(t, newDatabase(t), "max_conns", "8"), failOnDeadlock(t))
	imports, inv := []bridge.Import{importOf(1), importOf(2)}, sample(1)
	put(t, s, inv)
	for _, i := range imports {
		update(t, s, func(tx bridge.Tx) error { return errors.Join(tx.PutImport(i), tx.PutMessage(messageOf(i))) })
	}
	ways := []func(bridge.Tx, uuid.UUID) (bridge.Import, error){
		bridge.Tx.Import,
		func(tx bridge.Tx, id uuid.UUID) (bridge.Import, error) {
			if _, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: id, Limit: 1}); err != nil {
				return bridge.Import{}, err
			}
			return tx.Import(id)
		},
		func(tx bridge.Tx, id uuid.UUID) (bridge.Import, error) {
			if _, err := tx.Message(messageOf(bridge.Import{ID: id}).ID); err != nil {
				return bridge.Import{}, err
			}
			return tx.Import(id)
		},
		func(tx bridge.Tx, id uuid.UUID) (i bridge.Import, err error) {
			list, err := tx.ListImports(uuid.Nil, 9)
			for _, listed := range list {
				if listed.ID == id {
					i = listed
				}
			}
			return i, err
		},
	}
	count := func(tx bridge.Tx, way int, id uuid.UUID) error {
		i, err := ways[way%len(ways)](tx, id)
		i.Rows++
		return errors.Join(err, tx.PutImport(i))
	}
	const rounds = 64
	var wg sync.WaitGroup
	for n := range rounds {
		first, second := imports[n%2].ID, imports[1-n%2].ID
		wg.Go(func() {
			err := s.Update(context.Background(), func(tx bridge.Tx) error {
				if n%3 == 0 {
					if _, err := tx.Invitation(inv.ID); err != nil {
						return err
					}
				}
				if err := count(tx, n/2, first); err != nil {
					return err
				}
				if n%3 == 1 {
					if _, err := tx.Invitation(inv.ID); err != nil {
						return err
					}
				}
				return count(tx, n/8, second)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, i := range imports {
		if got := importByID(t, s, i.ID).Rows; got != rounds {
			t.Errorf("the counter is %d, want %d", got, rounds)
		}
	}
}

// TestDueImportsSkip: an update neither waits for an import that another one is using,
// nor returns it. A view does not care.
func TestDueImportsSkip(t *testing.T) {
	s := open(t, newDatabase(t))
	i, other := importOf(1), importOf(2)
	update(t, s, func(tx bridge.Tx) error { return errors.Join(tx.PutImport(i), tx.PutImport(other)) })
	update(t, s, func(tx bridge.Tx) error {
		if _, err := tx.Import(i.ID); err != nil {
			return err
		}
		ids := func(tx bridge.Tx) (list []uuid.UUID) {
			due, err := tx.DueImports(i.DueAt, 9)
			if err != nil {
				t.Error(err)
			}
			for _, i := range due {
				list = append(list, i.ID)
			}
			return list
		}
		inner := func(tx bridge.Tx) error {
			if got := ids(tx); !cmp.Equal(got, []uuid.UUID{other.ID}) {
				t.Errorf("an update got %v", got)
			}
			return nil
		}
		view := func(tx bridge.Tx) error {
			if got := ids(tx); !cmp.Equal(got, []uuid.UUID{i.ID, other.ID}) {
				t.Errorf("a view got %v", got)
			}
			return nil
		}
		return errors.Join(s.Update(context.Background(), inner), s.View(context.Background(), view))
	})
}

// TestInsertInvitationsAtOnce: of several updates that insert the same addresses in
// different orders, none waits for another one that waits for it. Each address is
// inserted once.
func TestInsertInvitationsAtOnce(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, withWords(t, dsn, "max_conns", "8"), failOnDeadlock(t))
	const count, writers = 500, 4
	var ready sync.WaitGroup // all have a connection
	ready.Add(writers)
	var mu sync.Mutex
	inserted := 0
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			list := make([]bridge.Invitation, count)
			for n := range list {
				at := n
				if w%2 == 0 {
					at = count - 1 - n
				}
				list[at] = invitationOf(importOf(1), n)
				list[at].ID = idOf(byte(w), n)
			}
			conflicts := 0
			begun := sync.OnceFunc(ready.Done)
			err := s.Update(context.Background(), func(tx bridge.Tx) error {
				if _, err := tx.Backlog(); err != nil {
					return err
				}
				begun()
				ready.Wait()
				ids, err := tx.InsertInvitations(list...)
				conflicts = len(ids)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			inserted += count - conflicts
		})
	}
	wg.Wait()
	if inserted != count {
		t.Errorf("%d are inserted, want %d", inserted, count)
	}
	checkCounters(t, dsn)
}

// TestNewMessageExists: a message of a new invitation whose id is in use replaces the
// other one, as any message does.
func TestNewMessageExists(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	m, inv := message(sample(1), 1), sample(2)
	update(t, s, func(tx bridge.Tx) error { return errors.Join(tx.InsertInvitation(sample(1)), tx.PutMessage(m)) })
	m.InvitationID = inv.ID
	update(t, s, func(tx bridge.Tx) error { return errors.Join(tx.InsertInvitation(inv), tx.PutMessage(m)) })
	checkCounters(t, dsn)
}

// failOnDeadlock fails the test if the server had to end a deadlock.
func failOnDeadlock(t *testing.T) Option {
	return WithOnRetry(func(cause string, err error) {
		if cause == CauseDeadlock {
			t.Error(err)
		}
	})
}

func importByID(t *testing.T, s *Store, id uuid.UUID) (i bridge.Import) {
	t.Helper()
	err := s.View(context.Background(), func(tx bridge.Tx) (err error) {
		i, err = tx.Import(id)
		return err
	})
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", id, err))
	}
	return i
}

// messageOf returns a message about an import.
func messageOf(i bridge.Import) bridge.Message {
	m := message(bridge.Invitation{CreatedAt: i.CreatedAt}, 1)
	m.ID, m.ImportID = idOf(0x74, int(i.ID[15])), i.ID
	m.Payload = bridge.Payload{Type: bridge.EventImportFinished, Timestamp: i.CreatedAt}
	return m
}
