package boltstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// TestMigrate opens files of earlier formats: the missing data is built once and
// maintained from then on.
func TestMigrate(t *testing.T) {
	t.Run("1", func(t *testing.T) { testMigrate(t, 1) })
	t.Run("2", func(t *testing.T) { testMigrate(t, 2) })
}

// TestMigrateReminders: a file of format 3 has no reminders. It gets their index, and
// the rows stay as they are.
func TestMigrateReminders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bridge.db")
	s := open(t, path)
	for n := range 3 {
		update(t, s, inviting(n))
	}
	h := s.Header()
	want, err := listed(s, bridge.InvitationQuery{Limit: 9})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	edit(func(tx *bbolt.Tx) error { return downgrade(tx, h, 3) })(t, path)
	for range 2 {
		s = open(t, path)
		got, err := listed(s, bridge.InvitationQuery{Limit: 9})
		if diff := cmp.Diff(want, got); diff != "" || err != nil || len(got) != 3 {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if s.Header() != h {
			t.Errorf("the header is %+v, want %+v", s.Header(), h)
		}
		inv := got[1]
		inv.Reminders, inv.RemindAt = []time.Duration{time.Hour}, inv.ExpiresAt.Add(-time.Hour)
		update(t, s, func(tx bridge.Tx) error { return tx.PutInvitation(inv) })
		err = s.View(context.Background(), func(tx bridge.Tx) error {
			due, err := tx.InvitationsToRemind(inv.RemindAt, 9)
			if len(due) != 1 || due[0].ID != inv.ID {
				t.Errorf("to remind: %v", due)
			}
			return err
		})
		want[1] = inv
		if err = errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	checkFile(t, path)
}

// TestMigrateOrigins: a file of format 4 gets an index of the origins that it has.
func TestMigrateOrigins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bridge.db")
	s := open(t, path)
	for n := range 4 {
		inv, _ := sample(n)
		inv.Origin = append(bridge.Origins(), "")[n]
		update(t, s, func(tx bridge.Tx) error { return tx.PutInvitation(inv) })
	}
	h := s.Header()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(func(tx *bbolt.Tx) error { return downgrade(tx, h, 4) })(t, path)
	s = open(t, path)
	for _, origin := range bridge.Origins() {
		got, err := listed(s, bridge.InvitationQuery{Origin: origin, Limit: 9})
		if err != nil || len(got) != 1 || got[0].Origin != origin {
			t.Errorf("%s: %v, %v", origin, got, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path)
}

func testMigrate(t *testing.T, from int) {
	path := filepath.Join(t.TempDir(), "bridge.db")
	s := open(t, path)
	for n := range 5 {
		update(t, s, inviting(n))
	}
	inv, _ := sample(3)
	update(t, s, func(tx bridge.Tx) error { return tx.DeleteInvitation(inv.ID) })
	want := backlog(t, s)
	if want.Pending != 4 {
		t.Fatalf("%+v: want 4 pending invitations before the test", want)
	}
	h := s.Header()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	unresolved, _ := sample(1)
	edit(func(tx *bbolt.Tx) error {
		err := replace(tx, unresolved, `"inviter_name":"Inviter 1 of the Company"`, `"inviter_name":"evil.com","doubt":true`)
		return errors.Join(err, downgrade(tx, h, from))
	})(t, path)

	for range 2 {
		s = open(t, path)
		if got := backlog(t, s); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		inv, err := read(s, unresolved.ID)
		if err != nil || inv.InviterName != "" || inv.UnresolvedUntil.IsZero() || inv.CheckAt.IsZero() {
			t.Errorf("an invitation with a link as inviter name and an unknown outcome: %+v, %v", inv, err)
		}
		found, err := listed(s, bridge.InvitationQuery{IdentityID: unresolved.IdentityID, Limit: 2})
		if err != nil || len(found) != 1 || found[0].ID != unresolved.ID {
			t.Errorf("by its identity: %v, %v", found, err)
		}
		if s.Header() != h {
			t.Errorf("the header is %+v, want %+v", s.Header(), h)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	checkFile(t, path)
}

// TestMigrateImports: a file of format 3 keeps its rows, and has none of the new kinds.
func TestMigrateImports(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bridge.db")
	s := open(t, path)
	for n := range 5 {
		update(t, s, inviting(n))
		update(t, s, func(tx bridge.Tx) error { return tx.PutMessage(message(n, bridge.MessageQueued)) })
	}
	want, err := listed(s, bridge.InvitationQuery{Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	h := s.Header()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(func(tx *bbolt.Tx) error { return downgrade(tx, h, 3) })(t, path)

	s = open(t, path)
	got, err := listed(s, bridge.InvitationQuery{Limit: 9})
	if diff := cmp.Diff(want, got); diff != "" || err != nil || s.Header() != h {
		t.Errorf("%v, header %+v\n%s", err, s.Header(), diff)
	}
	update(t, s, func(tx bridge.Tx) error {
		list, err := tx.ListImports(uuid.Nil, 9)
		if len(list) > 0 {
			t.Errorf("it has %d imports", len(list))
		}
		return errors.Join(err, importing(tx))
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path)
}

// TestMigrateSharedIdentity: earlier formats let two pending invitations share an
// identity. The newer one stays, unless it has expired and the older one has not.
func TestMigrateSharedIdentity(t *testing.T) {
	past, future := time.Now().Add(-time.Hour).UTC(), time.Now().Add(time.Hour).UTC()
	for _, tc := range []struct {
		name         string
		older, newer time.Time // when they expire
		states       [2]bridge.State
	}{
		{"both valid", future, future, [2]bridge.State{bridge.StateRevoked, bridge.StatePending}},
		{"older expired", past, future, [2]bridge.State{bridge.StateExpired, bridge.StatePending}},
		{"newer expired", future, past, [2]bridge.State{bridge.StatePending, bridge.StateExpired}},
		{"both expired", past, past, [2]bridge.State{bridge.StateExpired, bridge.StatePending}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			older, _ := sample(1)
			newer, _ := sample(2)
			older.ExpiresAt, newer.ExpiresAt = tc.older, tc.newer
			path := filepath.Join(t.TempDir(), "bridge.db")
			s := open(t, path)
			update(t, s, func(tx bridge.Tx) error {
				return errors.Join(tx.PutInvitation(older), tx.PutInvitation(newer))
			})
			h := s.Header()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			edit(func(tx *bbolt.Tx) error {
				return errors.Join(replace(tx, newer, newer.IdentityID.String(), older.IdentityID.String()), downgrade(tx, h, 2))
			})(t, path)
			s = open(t, path)
			first, err1 := read(s, older.ID)
			second, err2 := read(s, newer.ID)
			if got := [2]bridge.State{first.State, second.State}; err1 != nil || err2 != nil || got != tc.states {
				t.Errorf("the older and the newer are %q, want %q; %v, %v", got, tc.states, err1, err2)
			}
			if first.State == bridge.StateRevoked && first.Reason != bridge.ReasonInUse {
				t.Errorf("the older one's reason is %q", first.Reason)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			checkFile(t, path)
		})
	}
}

// replace changes the text of a row without updating the indexes.
func replace(tx *bbolt.Tx, inv bridge.Invitation, old, now string) error {
	row := invitationsBucket.in(tx).Get(inv.ID[:])
	changed := bytes.Replace(row, []byte(old), []byte(now), 1)
	if bytes.Equal(row, changed) {
		return errors.New("the row has no " + old)
	}
	return invitationsBucket.in(tx).Put(inv.ID[:], changed)
}

// downgrade turns a store into one of an earlier format.
func downgrade(tx *bbolt.Tx, h Header, format int) error {
	for b, l := range layout {
		var err error
		switch {
		case l.since > format:
			err = tx.DeleteBucket([]byte(l.name))
		case l.counted && format < 2:
			err = bucket(b).in(tx).SetSequence(0)
		}
		if err != nil {
			return err
		}
	}
	h.Format = format
	value, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return headerBucket.in(tx).Put(headerKey, value)
}

func read(s *Store, id uuid.UUID) (inv bridge.Invitation, err error) {
	err = s.View(context.Background(), func(tx bridge.Tx) (err error) {
		inv, err = tx.Invitation(id)
		return err
	})
	return inv, err
}

func listed(s *Store, q bridge.InvitationQuery) (found []bridge.Invitation, err error) {
	err = s.View(context.Background(), func(tx bridge.Tx) (err error) {
		found, err = tx.ListInvitations(q)
		return err
	})
	return found, err
}

func backlog(t *testing.T, s *Store) (b bridge.Backlog) {
	t.Helper()
	err := s.View(context.Background(), func(tx bridge.Tx) (err error) {
		b, err = tx.Backlog()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
