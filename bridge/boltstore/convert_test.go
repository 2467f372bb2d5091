package boltstore

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

// TestConvert opens a file of format 1, which had no counts: they are made once,
// and kept from then on.
func TestConvert(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bridge.db")
	s := open(t, path)
	for n := range 5 {
		update(t, s, inviting(n))
	}
	inv, _ := sample(3)
	update(t, s, func(tx bridge.Tx) error { return tx.DeleteInvitation(inv.ID) })
	want := backlog(t, s)
	if want.Pending != 4 {
		t.Fatalf("%+v: the sample proves nothing", want)
	}
	h := s.Header()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(func(tx *bbolt.Tx) error {
		for b, l := range layout {
			if l.counted {
				if err := bucket(b).in(tx).SetSequence(0); err != nil {
					return err
				}
			}
		}
		old := h
		old.Format = 1
		value, err := json.Marshal(old)
		if err != nil {
			return err
		}
		return headerBucket.in(tx).Put(headerKey, value)
	})(t, path)

	for range 2 {
		s = open(t, path)
		if got := backlog(t, s); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if s.Header() != h {
			t.Errorf("the header is %+v, not %+v", s.Header(), h)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	checkFile(t, path)
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
