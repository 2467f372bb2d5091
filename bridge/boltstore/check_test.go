package boltstore

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// open opens a store. The caller closes it.
func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fresh returns a new store, which is closed and checked after the test.
func fresh(t testing.TB) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bridge.db")
	s := open(t, path)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		checkFile(t, path)
	})
	return s
}

func update(t testing.TB, s *Store, fn func(bridge.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// checkFile runs bbolt's own consistency check on the file of a closed store, and
// compares every index with what the rows imply.
func checkFile(t testing.TB, path string) {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Errorf("opening the file after the test: %v", err)
		return
	}
	defer func() { _ = s.Close() }()
	err = s.db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("bbolt's check: %v", err)
		}
		got, want := dump(tx), implied(t, tx)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("indexes (-implied by the rows +stored):\n%s", diff)
		}
		for _, name := range []string{"expiring", "lapsing", "outbox"} {
			n := 0
			_ = tx.Bucket([]byte(name)).ForEach(func([]byte, []byte) error { n++; return nil })
			if count := tx.Bucket([]byte(name)).Sequence(); count != uint64(n) {
				t.Errorf("%s has %d entries, but its count is %d", name, n, count)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// dump returns all entries of the index buckets, fences included.
func dump(tx *bbolt.Tx) map[string]string {
	all := map[string]string{}
	for b := tokensBucket; int(b) < len(layout); b++ {
		if b == messagesBucket || b == importsBucket || b == importRowsBucket || b == requestsBucket || b == historyBucket {
			continue // rows, not an index
		}
		_ = b.in(tx).ForEach(func(k, v []byte) error {
			all[fmt.Sprintf("%s %x", layout[b].name, k)] = fmt.Sprintf("%x", v)
			return nil
		})
	}
	return all
}

// implied derives the same from the rows of invitations and messages. It repeats
// the rules of keys.go independently and uses only its smallest functions.
func implied(t testing.TB, tx *bbolt.Tx) map[string]string {
	all := map[string]string{}
	set := func(name string, value []byte, key ...[]byte) {
		var joined []byte
		for _, part := range key {
			joined = append(joined, part...)
		}
		all[fmt.Sprintf("%s %x", name, joined)] = fmt.Sprintf("%x", value)
	}
	for _, l := range layout[emailsBucket:] {
		if l.fenced && l.name != "messages" && l.name != "imports" && l.name != "history" {
			set(l.name, nil, lowFence)
			set(l.name, nil, highFence)
		}
	}
	var last uuid.UUID
	_ = invitationsBucket.in(tx).ForEach(func(k, v []byte) error {
		if len(k) == len(lowFence) || len(k) == len(highFence) {
			return nil
		}
		id := k[:16]
		if len(k) == 48 {
			var r bridge.TokenRecord
			if err := json.Unmarshal(v, &r); err != nil || string(r.InvitationID[:]) != string(id) || string(last[:]) != string(id) {
				t.Errorf("the token row %x is of invitation %x, but follows %x: %v", k, r.InvitationID, last, err)
			}
			set("tokens", id, k[16:])
			return nil
		}
		var inv bridge.Invitation
		if err := json.Unmarshal(v, &inv); err != nil || string(inv.ID[:]) != string(k) {
			t.Errorf("the row %x: %s: %v", k, v, err)
		}
		last = inv.ID
		code := []byte(inv.State[:1])
		set("states", nil, code, id)
		if inv.InviterID != "" {
			set("inviters", nil, hash(inv.InviterID), code, id)
		}
		if by := inv.CreatedBy; by.ID != "" {
			set("creators", nil, code, hash(string(by.Kind)+":"+by.ID), id)
		}
		if o := string(inv.Origin); o == "adopted" || o == "reactivated" {
			set("origins", nil, hash(o), code, id)
		}
		if inv.Method != "" {
			set("methods", nil, hash(string(inv.Method)), id)
		}
		if inv.ImportID != uuid.Nil {
			set("imported", nil, inv.ImportID[:], code, id)
		}
		if inv.Claim == nil && !inv.CheckAt.IsZero() {
			set("watched", nil, timeKey(inv.CheckAt), id)
		}
		known := inv.IdentityID != uuid.Nil
		switch {
		case inv.State != bridge.StatePending:
			set("emails", nil, hash(inv.Email), []byte("e"), id)
			if known {
				set("identities", nil, inv.IdentityID[:], []byte("e"), id)
			}
			if inv.Leftover != "due" {
				set("ended", nil, timeKey(inv.UpdatedAt), id)
			}
			return nil
		case inv.Claim == nil:
			set("expiring", nil, timeKey(inv.ExpiresAt), id)
			if !inv.RemindAt.IsZero() {
				set("reminding", nil, timeKey(inv.RemindAt), id)
			}
		case inv.Claim.CheckAt.After(inv.Claim.Until):
			set("lapsing", nil, timeKey(inv.Claim.CheckAt), id)
		default:
			set("lapsing", nil, timeKey(inv.Claim.Until), id)
		}
		set("emails", id, hash(inv.Email), []byte("p"), hash(inv.SchemaID))
		if known {
			set("identities", id, inv.IdentityID[:], []byte("p"))
		}
		return nil
	})
	_ = messagesBucket.in(tx).ForEach(func(k, v []byte) error {
		if len(k) == len(lowFence) || len(k) == len(highFence) {
			return nil
		}
		var m bridge.Message
		if err := json.Unmarshal(v, &m); err != nil || string(m.ID[:]) != string(k) {
			t.Errorf("the row %x: %s: %v", k, v, err)
		}
		owner, rows := m.InvitationID, "invitations"
		if owner == uuid.Nil {
			owner, rows = m.ImportID, "imports"
		}
		if tx.Bucket([]byte(rows)).Get(owner[:]) == nil {
			t.Errorf("message %s is of %s, which is not in %s", m.ID, owner, rows)
		}
		set("belonging", nil, owner[:], k)
		set("outcomes", nil, []byte(m.State[:1]), k)
		switch {
		case m.State != bridge.MessageQueued:
		case m.Claim == nil:
			set("outbox", nil, hash(m.Endpoint), timeKey(m.DueAt), k)
		default:
			set("outbox", nil, hash(m.Endpoint), timeKey(m.Claim.Until), k)
		}
		return nil
	})
	_ = historyBucket.in(tx).ForEach(func(k, v []byte) error {
		if len(k) == len(lowFence) || len(k) == len(highFence) {
			return nil
		}
		var e bridge.HistoryEntry
		if err := json.Unmarshal(v, &e); err != nil || string(e.InvitationID[:])+string(e.ID[:]) != string(k) || invitationsBucket.in(tx).Get(k[:16]) == nil {
			t.Errorf("the entry %x of a history: %s: %v", k, v, err)
		}
		return nil
	})
	impliedByImports(t, tx, set)
	return all
}

// impliedByImports does the same for imports, their rows, and idempotent requests.
func impliedByImports(t testing.TB, tx *bbolt.Tx, set func(name string, value []byte, key ...[]byte)) {
	number := func(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	_ = importsBucket.in(tx).ForEach(func(k, v []byte) error {
		if len(k) == len(lowFence) || len(k) == len(highFence) {
			return nil
		}
		var i bridge.Import
		if err := json.Unmarshal(v, &i); err != nil || string(i.ID[:]) != string(k) {
			t.Errorf("the row %x: %s: %v", k, v, err)
		}
		if !i.DueAt.IsZero() {
			set("imports_due", nil, timeKey(i.DueAt), k)
		}
		return nil
	})
	keys := map[string]bool{}
	_ = importRowsBucket.in(tx).ForEach(func(k, v []byte) error {
		var r bridge.ImportRow
		if err := json.Unmarshal(v, &r); err != nil || string(number(r.Index)) != string(k[16:]) || importsBucket.in(tx).Get(k[:16]) == nil {
			t.Errorf("the row %x: %s: %v", k, v, err)
		}
		if r.Key != "" {
			if unique := string(k[:16]) + r.Key; keys[unique] {
				t.Errorf("two rows of import %x have the key %q", k[:16], r.Key)
			} else {
				keys[unique] = true
			}
			set("import_keys", number(r.Line), k[:16], hash(r.Key))
		}
		code := map[bridge.ImportResult]string{
			"invited": "i", "adopted": "a", "already_pending": "p", "already_active": "c", "skipped_revoked": "r", "skipped_expired": "e",
			"duplicate": "d", "failed": "f",
		}[r.Result]
		if r.Result != "" {
			set("import_results", nil, k[:16], []byte(code), number(r.Index))
		}
		return nil
	})
	_ = requestsBucket.in(tx).ForEach(func(k, v []byte) error {
		var r bridge.IdempotentRequest
		if err := json.Unmarshal(v, &r); err != nil {
			t.Errorf("the row %x: %s: %v", k, v, err)
		}
		set("requests_by_time", nil, timeKey(r.At), k)
		return nil
	})
}
