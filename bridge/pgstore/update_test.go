package pgstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// failing makes the server refuse the first count inserts into a table with a code.
// A sequence counts, because it is not rolled back.
func failing(t testing.TB, dsn, table, code string, count int) {
	t.Helper()
	execute(t, dsn, "DROP SEQUENCE IF EXISTS failures CASCADE")
	execute(t, dsn, "CREATE SEQUENCE failures")
	execute(t, dsn, fmt.Sprintf(`CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF nextval('failures') <= %d THEN RAISE EXCEPTION 'injected' USING ERRCODE = '%s'; END IF;
		RETURN NEW; END $$`, count, code))
	execute(t, dsn, fmt.Sprintf("CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON invitebridge.%s FOR EACH ROW EXECUTE FUNCTION fail()", table))
}

// TestUpdateRunsAgain: what the server ended because of others runs again, whether it
// failed in the function or in the commit, and takes effect once.
func TestUpdateRunsAgain(t *testing.T) {
	for _, code := range []string{serializationFailure, deadlockDetected, lockNotAvailable, featureNotSupported} {
		for _, table := range []string{"invitations", "outcomes"} {
			t.Run(code+" "+table, func(t *testing.T) {
				dsn := newDatabase(t)
				s := open(t, dsn)
				failing(t, dsn, table, code, 3)
				runs, inv := 0, sample(1)
				err := s.Update(context.Background(), func(tx bridge.Tx) error {
					runs++
					return tx.PutInvitation(inv)
				})
				if err != nil || runs != 4 {
					t.Errorf("got %v after %d runs, want nil after 4", err, runs)
				}
				checkCounters(t, dsn)
			})
		}
	}
}

// TestUpdateGivesUp: other errors are returned at once, and those of others after ten
// runs. Nothing is written.
func TestUpdateGivesUp(t *testing.T) {
	for code, want := range map[string]int{serializationFailure: maxTries, "23514": 1, "53100": 1} {
		t.Run(code, func(t *testing.T) {
			dsn := newDatabase(t)
			s := open(t, dsn)
			failing(t, dsn, "outcomes", code, 1000)
			runs := 0
			err := s.Update(context.Background(), func(tx bridge.Tx) error {
				runs++
				return tx.PutInvitation(sample(1))
			})
			if codeOf(err) != code || runs != want {
				t.Errorf("got %v after %d runs, want %s after %d", err, runs, code, want)
			}
			checkCounters(t, dsn)
		})
	}
}

// TestUpdateIgnoredError: a function cannot commit after an error of the database,
// even if it ignores it.
func TestUpdateIgnoredError(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	failing(t, dsn, "invitations", "53100", 1)
	err := s.Update(context.Background(), func(tx bridge.Tx) error {
		_ = tx.PutInvitation(sample(1))
		_ = tx.PutInvitation(sample(2))
		return nil
	})
	if codeOf(err) != "53100" {
		t.Errorf("got %v, want the error of the database", err)
	}
	if err := s.View(context.Background(), func(tx bridge.Tx) error { _, err := tx.Invitation(sample(2).ID); return err }); !errors.Is(err, bridge.ErrRowNotFound) {
		t.Errorf("got %v, want %v", err, bridge.ErrRowNotFound)
	}
}

// TestUpdateLockOrder: updates that use the same invitations in different orders, by
// id, by token and by a list, all succeed, and never wait for each other.
func TestUpdateLockOrder(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, withWords(t, dsn, "max_conns", "8"))
	a, b := sample(1), sample(2)
	put(t, s, a, b)
	digests := map[uuid.UUID]bridge.Digest{a.ID: {1}, b.ID: {2}}
	for id, d := range digests {
		if err := s.Update(context.Background(), func(tx bridge.Tx) error { return tx.PutToken(d, bridge.TokenRecord{InvitationID: id}) }); err != nil {
			t.Fatal(err)
		}
	}
	increment := func(tx bridge.Tx, inv bridge.Invitation, err error) error {
		inv.Epoch++
		return errors.Join(err, tx.PutInvitation(inv))
	}
	byID := func(tx bridge.Tx, id uuid.UUID) error {
		inv, err := tx.Invitation(id)
		return increment(tx, inv, err)
	}
	byToken := func(tx bridge.Tx, id uuid.UUID) error {
		inv, _, err := tx.InvitationByToken(digests[id])
		return increment(tx, inv, err)
	}
	listed := func(tx bridge.Tx, id uuid.UUID) error {
		list, err := tx.ListInvitations(bridge.InvitationQuery{Limit: 9})
		if err != nil {
			return err
		}
		for _, inv := range list {
			if inv.ID == id {
				return increment(tx, inv, nil)
			}
		}
		return errors.New("not listed")
	}
	ways := []func(bridge.Tx, uuid.UUID) error{byID, byToken, listed}
	const rounds = 60
	var wg sync.WaitGroup
	for i := range rounds {
		first, second := a.ID, b.ID
		if i%2 == 0 {
			first, second = second, first
		}
		wg.Go(func() {
			err := s.Update(context.Background(), func(tx bridge.Tx) error {
				if err := ways[i/2%3](tx, first); err != nil {
					return err
				}
				return ways[i/6%3](tx, second)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range []uuid.UUID{a.ID, b.ID} {
		if got := epochOf(t, s, id); got != rounds {
			t.Errorf("the counter is %d, want %d", got, rounds)
		}
	}
}

// TestOnCommit: each commit that writes is reported, with its result, and no other.
func TestOnCommit(t *testing.T) {
	dsn := newDatabase(t)
	var results []error
	s := open(t, dsn, WithOnCommit(func(_ time.Duration, err error) { results = append(results, err) }))
	put(t, s, sample(1))
	update(t, s, func(tx bridge.Tx) error {
		_, err := tx.Invitation(sample(1).ID)
		return err
	})
	failing(t, dsn, "outcomes", "53100", 1)
	if err := s.Update(context.Background(), func(tx bridge.Tx) error { return tx.PutInvitation(sample(2)) }); codeOf(err) != "53100" {
		t.Errorf("got %v, want the error of the database", err)
	}
	if len(results) != 2 || results[0] != nil || codeOf(results[1]) != "53100" {
		t.Errorf("got %v, want nil and an error", results)
	}
}
