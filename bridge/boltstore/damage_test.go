package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// message returns a message of the n-th sample.
func message(n int, state bridge.MessageState) bridge.Message {
	inv, _ := sample(n)
	return bridge.Message{ID: inv.ID, Endpoint: "crm", InvitationID: inv.ID, State: state, CreatedAt: inv.CreatedAt, DueAt: inv.CreatedAt}
}

// reads returns every kind of read of a Tx, by name, for a store with storeFile's
// rows.
func reads() map[string]func(bridge.Tx) (any, error) {
	late := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	all := map[string]func(bridge.Tx) (any, error){
		"expiring": func(tx bridge.Tx) (any, error) { return tx.ExpiringInvitations(late, 1000) },
		"lapsed":   func(tx bridge.Tx) (any, error) { return tx.ExpiredClaims(late, 1000) },
		"ended":    func(tx bridge.Tx) (any, error) { return tx.TerminalInvitations(late, 1000) },
		"queued":   func(tx bridge.Tx) (any, error) { return tx.QueuedMessages("crm", 1000) },
		"backlog":  func(tx bridge.Tx) (any, error) { return tx.Backlog() },
	}
	i := sampleImport()
	for name, read := range map[string]func(bridge.Tx) (any, error){
		"imports":     func(tx bridge.Tx) (any, error) { return tx.ListImports(uuid.Nil, 9) },
		"due imports": func(tx bridge.Tx) (any, error) { return tx.DueImports(late, 9) },
		"next import": func(tx bridge.Tx) (any, error) { return tx.NextImportAt() },
		"rows": func(tx bridge.Tx) (any, error) {
			return tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, Limit: 1000})
		},
		"rows with a result": func(tx bridge.Tx) (any, error) {
			return tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, Result: bridge.ResultInvited, Limit: 1000})
		},
		"invitations of addresses": func(tx bridge.Tx) (any, error) {
			first, _ := sample(1)
			second, _ := sample(60)
			return tx.InvitationsOf(first.Email, second.Email)
		},
	} {
		all[name] = read
	}
	inv, _ := sample(0)
	for name, q := range map[string]bridge.InvitationQuery{
		"all": {}, "state": {State: bridge.StatePending}, "email": {Email: inv.Email}, "inviter": {InviterID: inv.InviterID},
	} {
		q.Limit = 1000
		all["list by "+name] = func(tx bridge.Tx) (any, error) { return tx.ListInvitations(q) }
	}
	for name, q := range map[string]bridge.MessageQuery{
		"all": {}, "state": {State: bridge.MessageFailed}, "invitation": {InvitationID: inv.ID},
	} {
		q.Limit = 1000
		all["messages by "+name] = func(tx bridge.Tx) (any, error) { return tx.ListMessages(q) }
	}
	for n := 0; n < 100; n += 7 {
		inv, d := sample(n)
		all[fmt.Sprint("invitation ", n)] = func(tx bridge.Tx) (any, error) { return tx.Invitation(inv.ID) }
		all[fmt.Sprint("pending ", n)] = func(tx bridge.Tx) (any, error) { return tx.PendingInvitation(inv.Email, inv.SchemaID) }
		all[fmt.Sprint("message ", n)] = func(tx bridge.Tx) (any, error) {
			return tx.Message(message(n, bridge.MessageQueued).ID)
		}
		if n < sampleRows {
			all[fmt.Sprint("line of row ", n)] = func(tx bridge.Tx) (any, error) { return tx.FirstLines(i.ID, sampleRow(n).Key) }
			all[fmt.Sprint("request ", n)] = func(tx bridge.Tx) (any, error) { return tx.IdempotentRequest(sampleRequest(n).Key) }
		}
		all[fmt.Sprint("token ", n)] = func(tx bridge.Tx) (any, error) {
			inv, r, err := tx.InvitationByToken(d)
			return fmt.Sprint(inv, r), err
		}
	}
	return all
}

// answers runs all reads, each in a View of its own.
func answers(t *testing.T, s *Store) (texts map[string]string, errs map[string]error) {
	t.Helper()
	texts, errs = map[string]string{}, map[string]error{}
	for name, read := range reads() {
		var got any
		err := s.View(context.Background(), func(tx bridge.Tx) (err error) {
			got, err = read(tx)
			return err
		})
		if err != nil {
			errs[name] = err
		} else {
			texts[name] = fmt.Sprint(got)
		}
	}
	return texts, errs
}

// truths returns the results of all reads in an undamaged file.
func truths(t *testing.T, path string) map[string]string {
	t.Helper()
	s := open(t, path)
	texts, errs := answers(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range errs {
		t.Fatalf("%s: %v", name, err)
	}
	return texts
}

// survive runs all reads in a store that may be damaged, then some writes: each
// must return the right result or ErrCorrupt. It reports whether any found
// damage.
func survive(t *testing.T, s *Store, truth map[string]string) (met bool) {
	t.Helper()
	s.db.NoSync = true
	texts, errs := answers(t, s)
	for name, text := range texts {
		if text != truth[name] {
			t.Errorf("%s: got %s, want %s", name, text, truth[name])
		}
	}
	for name, err := range errs {
		if met = true; !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), s.db.Path()+": "+restore) {
			t.Errorf("%s: %v", name, err)
		}
	}
	inv, _ := sample(50)
	for name, fn := range map[string]func(bridge.Tx) error{
		"an invite":  inviting(1000),
		"a deletion": func(tx bridge.Tx) error { return tx.DeleteInvitation(inv.ID) },
		"a message":  func(tx bridge.Tx) error { return tx.PutMessage(message(51, bridge.MessageSent)) },
		"rows":       func(tx bridge.Tx) error { _, err := tx.DeleteImportRows(sampleImport().ID, 50); return err },
		"an import":  func(tx bridge.Tx) error { i := sampleImport(); i.Begun = 7; return tx.PutImport(i) },
		"requests":   func(tx bridge.Tx) error { _, err := tx.DeleteIdempotentRequests(time.Now(), 50); return err },
		// A function that ignores damage is not committed either.
		"an ignored error": func(tx bridge.Tx) error { _ = invite(tx, 1001); return nil },
	} {
		err := s.Update(context.Background(), fn)
		if met && !errors.Is(err, ErrCorrupt) || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s, damage found %v: %v", name, met, err)
		}
		met = met || err != nil
	}
	s.health.idle = 0
	err := s.Ping(context.Background())
	if met && !errors.Is(err, ErrCorrupt) || err != nil && !errors.Is(err, ErrCorrupt) {
		t.Errorf("ping, damage found %v: %v", met, err)
	}
	return met || err != nil
}

// TestDamageWhileOpen overwrites each page of an open store in turn, including
// those that Open checks. The list of free pages is not read again.
func TestDamageWhileOpen(t *testing.T) {
	original := storeFile(t)
	truth := truths(t, original)
	met := 0
	for page := 2; page < usedPages(t, original); page++ {
		if page == freePage(t, original) {
			continue
		}
		t.Run(fmt.Sprint("page ", page), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bridge.db")
			write(string(content(t, original)))(t, path)
			s := open(t, path)
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = file.WriteAt(bytes.Repeat([]byte{0xa5}, pageSize), int64(page*pageSize))
			if err := errors.Join(err, file.Close()); err != nil {
				t.Fatal(err)
			}
			if survive(t, s, truth) {
				met++
			}
			if err := s.Close(); err != nil && !s.commitPanicked {
				t.Error(err)
			}
		})
	}
	if met < 10 {
		t.Errorf("only %d pages matter", met)
	}
}

// TestDamagePointsAway: branches of every tree point past the end of the file,
// where a read is a memory fault and not an ordinary panic.
func TestDamagePointsAway(t *testing.T) {
	original := storeFile(t)
	truth := truths(t, original)
	branches := pagesOf(t, original, branchKind)
	if len(branches) == 0 {
		t.Fatal("no branch")
	}
	for _, page := range branches {
		for _, to := range []uint64{1 << 18, 1 << 40, 1<<64 - 2} {
			path := filepath.Join(t.TempDir(), "bridge.db")
			write(string(content(t, original)))(t, path)
			patch(t, path, page*pageSize+headSize+elementSize+8, func(raw []byte) { binary.NativeEndian.PutUint64(raw, to) })
			s, err := Open(path)
			if errors.Is(err, ErrCorrupt) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			if !survive(t, s, truth) {
				t.Errorf("page %d: the damage was not detected", page)
			}
			if err := s.Close(); err != nil && !s.commitPanicked {
				t.Error(err)
			}
		}
	}
}

// TestFunctionPanicIsNotCorruption: a panic of the function itself reaches its
// caller and does not mark the file as damaged.
func TestFunctionPanicIsNotCorruption(t *testing.T) {
	s := fresh(t)
	for name, run := range map[string]func(context.Context, func(bridge.Tx) error) error{"view": s.View, "update": s.Update} {
		func() {
			defer func() {
				if p := recover(); p != "mine" {
					t.Errorf("%s: recovered %v", name, p)
				}
			}()
			err := run(context.Background(), func(bridge.Tx) error { panic("mine") })
			t.Errorf("%s: %v", name, err)
		}()
	}
	if err := s.Ping(context.Background()); err != nil {
		t.Error(err)
	}
	update(t, s, inviting(1))
}
