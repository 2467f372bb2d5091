package boltstore

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

const elsewhere = "postgres://db.example.com:5432/kratos"

func exportOf(t *testing.T, path string) *Export {
	t.Helper()
	e, err := OpenExport(path, elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func seal(t *testing.T, path string) {
	t.Helper()
	e := exportOf(t, path)
	if err := errors.Join(e.Seal(elsewhere), e.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestExport: the records are all that the contract shows, once each, in several
// parts, and the counts are theirs.
func TestExport(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	update(t, s, func(tx bridge.Tx) error {
		for n := 100; n < exportRecords+101; n++ {
			if err := errors.Join(invite(tx, n), tx.AppendHistory(historyOf(n)...)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	e := exportOf(t, path)
	var all []bridge.Record
	parts := 0
	for after := uuid.Nil; ; parts++ {
		list, err := e.Records(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		all, after = append(all, list...), list[len(list)-1].Invitation.ID
	}
	if parts != 2 || len(all) != exportRecords+101 {
		t.Fatalf("%d records in %d parts", len(all), parts)
	}
	var n bridge.RecordCounts
	for i, r := range all {
		n.Add(r)
		inv, digest := sample(i)
		var messages []bridge.Message
		entries := historyOf(i)
		if i < 100 {
			entries = nil
			messages = []bridge.Message{message(i, bridge.MessageStates()[i%4])}
		}
		want := bridge.Record{
			Invitation: inv, Messages: messages, History: entries,
			Tokens: []bridge.StoredToken{{Digest: digest, TokenRecord: bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI}}},
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Fatal(diff)
		}
	}
	if n.Messages != 100 {
		t.Errorf("%d messages of invitations", n.Messages)
	}
	n.Messages, n.Imports, n.ImportRows, n.Requests = n.Messages+1, 1, sampleRows, sampleRows
	if counted, err := e.Count(t.Context()); err != nil || counted != n {
		t.Errorf("counted %+v, %v, want %+v", counted, err, n)
	}
}

// historyOf returns two entries of the n-th invitation.
func historyOf(n int) []bridge.HistoryEntry {
	inv, _ := sample(n)
	first := bridge.HistoryEntry{ID: inv.ID, InvitationID: inv.ID, At: inv.CreatedAt, Action: bridge.ActionInvited, By: bridge.ByKey("backend").Actor(), RequestID: "request-1"}
	second := first
	first.ID[15], second.ID[15], second.Action, second.By, second.RequestID = 1, 2, bridge.ActionExpired, bridge.Actor{Kind: bridge.ActorBridge}, ""
	return []bridge.HistoryEntry{first, second}
}

// TestExportLarge: what is returned at once has a limit in bytes, too.
func TestExportLarge(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	update(t, s, func(tx bridge.Tx) error {
		for n := range 8 {
			inv, _ := sample(n)
			inv.ReturnTo = strings.Repeat("x", exportBytes/4)
			if err := tx.PutInvitation(inv); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if list, err := exportOf(t, path).Records(t.Context(), uuid.Nil); err != nil || len(list) != 4 {
		t.Errorf("%d records, %v", len(list), err)
	}
}

// TestExportDamage: rows that the contract would not show are damage, not copied.
func TestExportDamage(t *testing.T) {
	inv, digest := sample(3)
	for name, spoil := range map[string]func(*bbolt.Tx) error{
		"a token without index":      func(tx *bbolt.Tx) error { return tokensBucket.in(tx).Delete(digest[:]) },
		"a token without invitation": func(tx *bbolt.Tx) error { return invitationsBucket.in(tx).Delete(inv.ID[:]) },
		"a message that is missing":  func(tx *bbolt.Tx) error { id := message(3, "").ID; return messagesBucket.in(tx).Delete(id[:]) },
		"a damaged entry": func(tx *bbolt.Tx) error {
			return historyBucket.in(tx).Put(entryKey(inv.ID, inv.ID), []byte("{"))
		},
		"a damaged invitation": func(tx *bbolt.Tx) error { return invitationsBucket.in(tx).Put(inv.ID[:], []byte("{")) },
	} {
		t.Run(name, func(t *testing.T) {
			path := storeFile(t)
			edit(spoil)(t, path)
			if list, err := exportOf(t, path).Records(t.Context(), uuid.Nil); !errors.Is(err, ErrCorrupt) || list != nil {
				t.Errorf("%d records, %v", len(list), err)
			}
		})
	}
}

// TestSeal: a file that was moved is refused by everything that would use it, and by
// earlier releases. Only the header has changed, and Unseal undoes that.
func TestSeal(t *testing.T) {
	path := storeFile(t)
	before, rows := headerAt(t, path)
	e := exportOf(t, path)
	version, err := e.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Seal(""); err == nil {
		t.Error("it was sealed although it was moved nowhere")
	}
	if err := errors.Join(e.Close()); err != nil {
		t.Fatal(err)
	}
	seal(t, path)
	sealed, kept := headerAt(t, path)
	var mark struct{ Format int }
	if err := json.Unmarshal(sealed, &mark); err != nil || mark.Format <= format || kept != rows {
		t.Errorf("an earlier release reads %s, %v; the rows are the same: %v", sealed, err, kept == rows)
	}
	for name, use := range map[string]func() error{
		"open":    func() error { _, err := Open(path); return err },
		"probe":   func() error { return Probe(path) },
		"check":   func() error { return Check(path) },
		"compact": func() error { _, err := Compact(t.Context(), path); return err },
		"export":  func() error { _, err := OpenExport(path, "postgres://another/db"); return err },
	} {
		if err := use(); !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), elsewhere) || !strings.Contains(err.Error(), "store unseal --from bolt://"+path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e = exportOf(t, path)
	if got, err := e.Version(t.Context()); e.Header().MovedTo != elsewhere || e.Header().Format != format || got <= version || err != nil {
		t.Errorf("%+v, version %d after %d, %v", e.Header(), got, version, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{elsewhere, ""} {
		if was, err := Unseal(path); err != nil || was.MovedTo != want {
			t.Errorf("unsealed from %+v, %v", was, err)
		}
	}
	if after, kept := headerAt(t, path); string(after) != string(before) || kept != rows {
		t.Errorf("the header was\n%s, is\n%s", before, after)
	}
	checkFile(t, path)
	if _, err := Unseal(path + ".none"); err == nil {
		t.Error("a missing file was created")
	}
}

// headerAt returns the header at rest and the number of bytes of all rows.
func headerAt(t *testing.T, path string) (header []byte, rows int) {
	t.Helper()
	edit(func(tx *bbolt.Tx) error {
		header = append(header, headerBucket.in(tx).Get(headerKey)...)
		for b := range layout {
			if bucket(b) == headerBucket {
				continue
			}
			err := bucket(b).in(tx).ForEach(func(k, v []byte) error { rows += len(k) + len(v); return nil })
			if err != nil {
				return err
			}
		}
		return nil
	})(t, path)
	return header, rows
}
