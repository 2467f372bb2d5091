package boltstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

func TestTimeKeysSortAsTimes(t *testing.T) {
	times := []time.Time{
		{}, time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Unix(-1, 0), time.Unix(-1, 999_999_000), time.Unix(0, 0),
		time.Unix(0, 1000), time.Unix(1, 0), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
	}
	for i := range times[1:] {
		if a, b := timeKey(times[i]), timeKey(times[i+1]); bytes.Compare(a, b) >= 0 || len(a) != timeSize {
			t.Errorf("%v is %x, %v is %x", times[i], a, times[i+1], b)
		}
	}
}

// TestKeysAreUnambiguous makes invitations from texts that look alike when
// concatenated, and checks that different ones never share a key.
func TestKeysAreUnambiguous(t *testing.T) {
	texts := []string{"", "p", "pp", "a", "ap", "pa", "\x00", "p\x00", "\xff", "e", strings.Repeat("p", 16), strings.Repeat("\x00", 17), strings.Repeat("x", 100_000)}
	owner := map[string]string{}
	for _, text := range texts {
		for _, other := range texts {
			for _, state := range bridge.States() {
				for id := range 2 {
					inv := bridge.Invitation{ID: uuid.UUID{15: byte(id + 1)}, State: state, Email: text, SchemaID: other, InviterID: other}
					for _, e := range entries(inv) {
						// What the entry must distinguish.
						means := map[bucket]string{
							emailsBucket:   fmt.Sprint(len(text), text, state == bridge.StatePending),
							statesBucket:   fmt.Sprint(state, id),
							invitersBucket: fmt.Sprint(len(other), other, state, id),
						}[e.bucket]
						switch {
						case means == "":
							continue
						case e.bucket == emailsBucket && state == bridge.StatePending:
							means += fmt.Sprint(len(other), other)
						case e.bucket == emailsBucket:
							means += fmt.Sprint(id)
						}
						key := fmt.Sprint(e.bucket, string(e.key))
						if was, ok := owner[key]; ok && was != means {
							t.Fatalf("%.40q and %.40q share the key %x", was, means, e.key)
						}
						owner[key] = means
						if len(e.key) > 64 {
							t.Fatalf("a key of %d bytes", len(e.key))
						}
					}
				}
			}
		}
	}
}

func TestFencesEncloseAllKeys(t *testing.T) {
	for _, id := range []uuid.UUID{{}, uuid.Max} {
		inv := bridge.Invitation{ID: id, State: bridge.StateRevoked, InviterID: "x"}
		keys := [][]byte{id[:], tokenRowKey(id, bridge.Digest(bytes.Repeat([]byte{0xff}, 32)))}
		m := bridge.Message{ID: id, InvitationID: id, State: bridge.MessageSent}
		inv.ImportID = id
		for _, e := range append(entries(inv), messageEntries(m)...) {
			keys = append(keys, e.key)
		}
		for _, key := range keys {
			if bytes.Compare(lowFence, key) >= 0 || bytes.Compare(key, highFence) >= 0 {
				t.Errorf("%x is outside the fences", key)
			}
		}
	}
}

func TestEveryStateHasACode(t *testing.T) {
	var codes []byte
	for _, state := range bridge.States() {
		codes = append(codes, stateCode(state))
	}
	slices.Sort(codes)
	if len(slices.Compact(codes)) != len(bridge.States()) || codes[0] == 0 || stateCode("") != 0 || stateCode("Pending") != 0 {
		t.Errorf("codes %q", codes)
	}
}

func TestEveryMessageStateHasACode(t *testing.T) {
	var codes []byte
	for _, state := range bridge.MessageStates() {
		codes = append(codes, messageStateCode(state))
	}
	slices.Sort(codes)
	if len(slices.Compact(codes)) != len(bridge.MessageStates()) || codes[0] == 0 || messageStateCode("") != 0 || messageStateCode("Queued") != 0 {
		t.Errorf("codes %q", codes)
	}
}

func TestEveryResultHasACode(t *testing.T) {
	var codes []byte
	for _, result := range bridge.ImportResults() {
		codes = append(codes, resultCode(result))
	}
	slices.Sort(codes)
	if len(slices.Compact(codes)) != len(bridge.ImportResults()) || codes[0] == 0 || resultCode("") != 0 || resultCode("Failed") != 0 {
		t.Errorf("codes %q", codes)
	}
}

// TestRefusedValues: values that could not be read back unchanged are refused.
func TestRefusedValues(t *testing.T) {
	s := fresh(t)
	for name, spoil := range map[string]func(*bridge.Invitation){
		"no id":             func(i *bridge.Invitation) { i.ID = uuid.Nil },
		"no state":          func(i *bridge.Invitation) { i.State = "" },
		"no such state":     func(i *bridge.Invitation) { i.State = "lost" },
		"inviter":           func(i *bridge.Invitation) { i.InviterID = "\xff" },
		"email":             func(i *bridge.Invitation) { i.Email = "a\xc3@example.com" },
		"time out of range": func(i *bridge.Invitation) { i.ExpiresAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		inv, _ := sample(rand.IntN(1000))
		spoil(&inv)
		update(t, s, func(tx bridge.Tx) error {
			if err := tx.PutInvitation(inv); err == nil {
				t.Errorf("%s: it was stored", name)
			}
			return nil // the Tx is still usable
		})
	}
}

func TestRefusedImports(t *testing.T) {
	s := fresh(t)
	stored := sampleImport()
	update(t, s, func(tx bridge.Tx) error { return tx.PutImport(stored) })
	for name, spoil := range map[string]func(*bridge.Import){
		"no id":             func(i *bridge.Import) { i.ID = uuid.Nil },
		"no state":          func(i *bridge.Import) { i.State = "" },
		"no such state":     func(i *bridge.Import) { i.State = "lost" },
		"creator":           func(i *bridge.Import) { i.CreatedBy = "\xff" },
		"column":            func(i *bridge.Import) { i.Columns = []string{"email", "\xff"} },
		"defaults":          func(i *bridge.Import) { i.Defaults = []byte("{") },
		"time out of range": func(i *bridge.Import) { i.DueAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		i := stored
		i.Begun++
		spoil(&i)
		update(t, s, func(tx bridge.Tx) error {
			if err := tx.PutImport(i); err == nil {
				t.Errorf("%s: it was stored", name)
			}
			return nil // the Tx is still usable
		})
	}
	for name, spoil := range map[string]func(*bridge.ImportRow){
		"no such result": func(r *bridge.ImportRow) { r.Result = "lost" },
		"index":          func(r *bridge.ImportRow) { r.Index = -1 },
		"line":           func(r *bridge.ImportRow) { r.Line = -1 },
		"key":            func(r *bridge.ImportRow) { r.Key = "\xff" },
		"reason":         func(r *bridge.ImportRow) { r.Reason = "\xff" },
		"no body":        func(r *bridge.ImportRow) { r.Body = nil },
		"body":           func(r *bridge.ImportRow) { r.Body = []byte(`{"a":}`) },
	} {
		row := sampleRow(1)
		spoil(&row)
		update(t, s, func(tx bridge.Tx) error {
			if err := tx.PutImportRows(stored.ID, sampleRow(0), row); err == nil {
				t.Errorf("%s: it was stored", name)
			}
			rows, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: stored.ID, Limit: 9})
			if len(rows) > 0 {
				t.Errorf("%s: the other row was stored", name)
			}
			return err // the Tx is still usable
		})
	}
	// The caller has not asked FirstLines.
	twice := sampleRow(1)
	twice.Key = sampleRow(0).Key
	err := s.Update(context.Background(), func(tx bridge.Tx) error {
		_ = tx.PutImportRows(stored.ID, sampleRow(0), twice)
		return nil
	})
	if err == nil {
		t.Error("two rows with a key were stored")
	}
}

func TestRefusedMessages(t *testing.T) {
	s := fresh(t)
	inv, _ := sample(1)
	update(t, s, func(tx bridge.Tx) error { return tx.PutInvitation(inv) })
	for name, spoil := range map[string]func(*bridge.Message){
		"no id":             func(m *bridge.Message) { m.ID = uuid.Nil },
		"no state":          func(m *bridge.Message) { m.State = "" },
		"no such state":     func(m *bridge.Message) { m.State = "lost" },
		"endpoint":          func(m *bridge.Message) { m.Endpoint = "\xff" },
		"about two":         func(m *bridge.Message) { m.ImportID = m.InvitationID },
		"time out of range": func(m *bridge.Message) { m.DueAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		m := bridge.Message{ID: uuid.UUID{1}, Endpoint: "crm", InvitationID: inv.ID, State: bridge.MessageQueued, DueAt: inv.CreatedAt}
		spoil(&m)
		update(t, s, func(tx bridge.Tx) error {
			if err := tx.PutMessage(m); err == nil {
				t.Errorf("%s: it was stored", name)
			}
			return nil // the Tx is still usable
		})
	}
}
