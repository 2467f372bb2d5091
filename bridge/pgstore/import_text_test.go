package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

// TestTexts_imports: every text of an import and its rows comes back as it was, and JSON
// to the byte, however deep.
func TestTexts_imports(t *testing.T) {
	s := open(t, newDatabase(t))
	deep := strings.Repeat(`{"a":[`, 4900) + strings.Repeat(`]}`, 4900)
	for n, text := range append(unusual, deep) {
		body := json.RawMessage(`{"b": "\u0000\ud800<&>", "b": 1.50e+01, "a":[ ] }`)
		if n == len(unusual) {
			text, body = "deep", json.RawMessage(deep)
		}
		i := importOf(n + 1)
		i.CreatedBy, i.WaitingFor, i.Columns = text, bridge.Dependency(text), []string{text, `"`, `\`, ""}
		i.Reinvite, i.Defaults = []bridge.State{bridge.State(text), bridge.StateExpired}, body
		i.Groups = []bridge.RowGroup{{First: 1, Count: 2, Claim: i.ID, Until: i.CreatedAt, Due: i.CreatedAt}}
		i.Counts = bridge.ImportCounts{Invited: 1, Failed: 2}
		rows := []bridge.ImportRow{
			{Index: 0, Line: 2, Body: body, Key: text, Result: bridge.ResultFailed, ErrorID: text, Reason: text},
			{Index: 1, Line: 3, Body: body, Result: bridge.ImportResult(text), InvitationID: i.ID, DuplicateOf: 2},
		}
		update(t, s, func(tx bridge.Tx) error { return errors.Join(tx.PutImport(i), tx.PutImportRows(i.ID, rows...)) })
		if diff := cmp.Diff(i, importByID(t, s, i.ID), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
		err := s.View(context.Background(), func(tx bridge.Tx) error {
			got, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, Limit: 9})
			if diff := cmp.Diff(rows, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", text, diff)
			}
			lines, lineErr := tx.FirstLines(i.ID, text, "another")
			if len(lines) != 1 || lines[text] != 2 {
				t.Errorf("%q: the lines are %v", text, lines)
			}
			return errors.Join(err, lineErr)
		})
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestInvalidTexts_imports: what the tables would refuse is refused without a statement,
// so the transaction stays usable.
func TestInvalidTexts_imports(t *testing.T) {
	s := open(t, newDatabase(t))
	const invalid = "a\xffb"
	i := importOf(1)
	update(t, s, func(tx bridge.Tx) error {
		if err := tx.PutImport(i); err != nil {
			return err
		}
		named, defaults, stateless, nameless := importOf(2), importOf(2), importOf(2), importOf(2)
		named.CreatedBy, defaults.Defaults, stateless.State, nameless.ID = invalid, json.RawMessage("{"), "open", uuid.Nil
		_, listErr := tx.InsertInvitations(sample(1), bridge.Invitation{})
		both := messageOf(i)
		both.InvitationID = sample(1).ID
		for what, err := range map[string]error{
			"text":       tx.PutImport(named),
			"defaults":   tx.PutImport(defaults),
			"state":      tx.PutImport(stateless),
			"id":         tx.PutImport(nameless),
			"key":        tx.PutImportRows(i.ID, bridge.ImportRow{Key: invalid}),
			"body":       tx.PutImportRows(i.ID, bridge.ImportRow{Body: json.RawMessage(`{"a":"` + invalid + `"}`)}),
			"syntax":     tx.PutImportRows(i.ID, bridge.ImportRow{Body: json.RawMessage(`{`)}),
			"invitation": listErr,
			"message":    tx.PutMessage(both),
		} {
			if err == nil {
				t.Errorf("%s: no error", what)
			}
		}
		return nil
	})
	if got := importByID(t, s, i.ID); got.ID != i.ID {
		t.Error("the import was not stored")
	}
}
