package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// secretText is in what the tests delete, and nowhere else.
const secretText = "a-very-private-name"

func private(n int) bridge.Invitation {
	inv, _ := sample(n)
	inv.ID, inv.IdentityID = uuid.Must(uuid.NewV7()), uuid.New()
	inv.Email, inv.InviterName = fmt.Sprintf("%s-%d@example.com", secretText, n), secretText
	return inv
}

// mentions counts the secret text in a file.
func mentions(t *testing.T, path string) int {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(content, []byte(secretText))
}

func deleted(t *testing.T, s *Store, list ...bridge.Invitation) {
	t.Helper()
	update(t, s, func(tx bridge.Tx) error {
		for _, inv := range list {
			if err := tx.DeleteInvitation(inv.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func scrub(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestScrub: what was deleted is not in the file afterwards, also if the process was
// killed before it scrubbed, and the rest is unchanged.
func TestScrub(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		path := storeFile(t)
		s := open(t, path)
		var list []bridge.Invitation
		for n := range 300 { // one commit each, so that many pages have old versions
			list = append(list, private(n))
			update(t, s, func(tx bridge.Tx) error { return tx.PutInvitation(list[n]) })
		}
		deleted(t, s, list...)
		if mentions(t, path) == 0 {
			t.Fatal("bbolt has overwritten what it has freed: this test proves nothing")
		}
		if restarts {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, path)
		}
		scrub(t, s)
		if n := mentions(t, path); n > 0 {
			t.Errorf("after a restart: %v; the file has the text %d times", restarts, n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := Check(path); err != nil {
			t.Error(err)
		}
	}
}

// TestScrub_view: a view reads what it began with, however long it lasts; then the rest
// is scrubbed.
func TestScrub_view(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	var list []bridge.Invitation
	for n := range 100 {
		list = append(list, private(n))
	}
	update(t, s, putInvitations(list...))
	err := s.View(t.Context(), func(tx bridge.Tx) error {
		deleted(t, s, list...)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.Scrub(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("during a view: %v", err)
		}
		update(t, s, putInvitations(private(1000))) // is not held up
		for _, inv := range list {
			if got, err := tx.Invitation(inv.ID); err != nil || got.Email != inv.Email {
				t.Errorf("the view does not see %s: %v", inv.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	scrub(t, s)
	if n := mentions(t, path); n != occurrences(t, s) {
		t.Errorf("the file has the text %d times, and should have it %d times", n, occurrences(t, s))
	}
}

// occurrences counts the secret text in what a copy without free pages has.
func occurrences(t *testing.T, s *Store) int {
	t.Helper()
	n := 0
	err := s.View(t.Context(), func(tx bridge.Tx) error {
		list, err := tx.ListInvitations(bridge.InvitationQuery{Limit: 1000})
		for _, inv := range list {
			value, err := invitationRows.encode(&inv)
			if err != nil {
				return err
			}
			n += bytes.Count(value, []byte(secretText))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func putInvitations(list ...bridge.Invitation) func(bridge.Tx) error {
	return func(tx bridge.Tx) error {
		for _, inv := range list {
			if err := tx.PutInvitation(inv); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestScrub_end: what an interrupted commit has written behind the last page is
// overwritten.
func TestScrub_end(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	gone := private(1)
	update(t, s, putInvitations(gone)) // the file has grown
	deleted(t, s, gone)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err == nil {
		_, err = file.WriteAt([]byte(secretText), info.Size()-100)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	scrub(t, s)
	if n := mentions(t, path); n > 0 {
		t.Errorf("the file has the text %d times", n)
	}
}

// TestScrub_concurrent: scrubbing harms neither views nor updates that run meanwhile.
func TestScrub_concurrent(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var running sync.WaitGroup
	for worker := range 4 {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				list := []bridge.Invitation{private(10000*worker + 2*n), private(10000*worker + 2*n + 1)}
				update(t, s, putInvitations(list...))
				err := s.View(t.Context(), func(tx bridge.Tx) error {
					deleted(t, s, list...) // their pages are free for later commits, but not for this view
					time.Sleep(time.Millisecond)
					got, err := tx.Invitations(list[0].ID, list[1].ID)
					if err == nil && (len(got) != 2 || got[0].Email == got[1].Email) {
						err = fmt.Errorf("the view has lost its rows: %v", got)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	rounds := 0
	for ; ctx.Err() == nil; rounds++ {
		if err := s.Scrub(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}
	running.Wait()
	scrub(t, s)
	if n := mentions(t, path); n > 0 || rounds < 2 {
		t.Errorf("the file has the text %d times after %d rounds", n, rounds)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Check(path); err != nil {
		t.Error(err)
	}
}
