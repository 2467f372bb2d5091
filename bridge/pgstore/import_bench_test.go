package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

const groupSize = 500

// importOf returns the n-th import of a test.
func importOf(n int) bridge.Import {
	at := sample(1).CreatedAt
	return bridge.Import{ID: uuid.UUID{6: 0x70, 15: byte(n)}, State: bridge.ImportRunning, CreatedAt: at, UpdatedAt: at, DueAt: at}
}

// rowsOf returns count rows of an import without a result, from an index.
func rowsOf(first, count int) []bridge.ImportRow {
	list := make([]bridge.ImportRow, count)
	for n := range list {
		index := first + n
		body := fmt.Sprintf(`{"email":"invitee-%d@example.com","traits":{"name":{"first":"Ada","last":"Lovelace %d"}},"inviter_name":"Grace"}`, index, index)
		list[n] = bridge.ImportRow{Index: index, Line: index + 2, Body: json.RawMessage(body), Key: fmt.Sprintf("default invitee-%d@example.com", index)}
	}
	return list
}

// invitationOf returns the invitation of a row.
func invitationOf(i bridge.Import, index int) bridge.Invitation {
	inv := sample(0)
	inv.ID = idOf(0x71, index)
	inv.Email, inv.IdentityID, inv.ImportID = fmt.Sprintf("invitee-%d@example.com", index), idOf(0x72, index), i.ID
	return inv
}

func idOf(kind byte, n int) uuid.UUID {
	return uuid.UUID{0: 1, 6: 0x70, 8: kind, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}
}

// The updates of an import, as the rules make them.

func load(s *Store, id uuid.UUID, first int) error {
	rows := rowsOf(first, groupSize)
	keys := make([]string, len(rows))
	for n, r := range rows {
		keys[n] = r.Key
	}
	return s.Update(context.Background(), func(tx bridge.Tx) error {
		i, err := tx.Import(id)
		if err != nil {
			return err
		}
		if _, err := tx.FirstLines(id, keys...); err != nil {
			return err
		}
		i.Rows = first + groupSize
		return errors.Join(tx.PutImportRows(id, rows...), tx.PutImport(i))
	})
}

func claim(s *Store, now time.Time) error {
	return s.Update(context.Background(), func(tx bridge.Tx) error {
		due, err := tx.DueImports(now, 1)
		if err != nil || len(due) == 0 {
			return errors.Join(err, errors.New("nothing is due"))
		}
		i := due[0]
		rows, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, From: i.Begun, Limit: groupSize})
		if err != nil {
			return err
		}
		for n := range rows {
			rows[n].InvitationID = idOf(0x71, rows[n].Index)
		}
		i.Groups = append(i.Groups, bridge.RowGroup{First: i.Begun, Count: len(rows), Claim: i.ID, Until: now})
		i.Begun += len(rows)
		return errors.Join(tx.PutImportRows(i.ID, rows...), tx.PutImport(i))
	})
}

func finish(s *Store, id uuid.UUID, first int) error {
	return s.Update(context.Background(), func(tx bridge.Tx) error {
		i, err := tx.Import(id)
		if err != nil {
			return err
		}
		rows, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: id, From: first, Limit: groupSize})
		if err != nil {
			return err
		}
		emails, list := make([]string, len(rows)), make([]bridge.Invitation, len(rows))
		for n, r := range rows {
			list[n] = invitationOf(i, r.Index)
			emails[n] = list[n].Email
		}
		if _, err := tx.InvitationsOf(emails...); err != nil {
			return err
		}
		conflicts, err := tx.InsertInvitations(list...)
		if err != nil || len(conflicts) > 0 {
			return errors.Join(err, fmt.Errorf("%d conflicts", len(conflicts)))
		}
		for n := range rows {
			m := message(list[n], 1)
			m.ID = idOf(0x73, rows[n].Index)
			m.Payload = bridge.Payload{Type: bridge.EventTokenCreated, Timestamp: i.CreatedAt, Data: bridge.PayloadData{Invitation: list[n].View()}}
			if err := tx.PutMessage(m); err != nil {
				return err
			}
			rows[n].Result = bridge.ResultInvited
		}
		i.Groups, i.Counts.Invited = nil, i.Counts.Invited+len(rows)
		return errors.Join(tx.PutImportRows(id, rows...), tx.PutImport(i))
	})
}

// BenchmarkImport measures the updates of an import of many rows in groups of 500: rows a
// second by the median group and by the fastest tenth of them, which other load on the
// machine affects least.
func BenchmarkImport(b *testing.B) {
	dsn := newDatabase(b)
	s := open(b, dsn)
	i := importOf(1)
	update(b, s, func(tx bridge.Tx) error { return tx.PutImport(i) })
	const groups = 200
	for _, step := range []struct {
		name string
		call func(first int) error
	}{
		{"load", func(first int) error { return load(s, i.ID, first) }},
		{"claim", func(int) error { return claim(s, i.DueAt) }},
		{"finish", func(first int) error { return finish(s, i.ID, first) }},
	} {
		took := make([]time.Duration, groups)
		for n := range took {
			start := time.Now()
			if err := step.call(n * groupSize); err != nil {
				b.Fatal(step.name, n, err)
			}
			took[n] = time.Since(start)
		}
		slices.Sort(took)
		b.ReportMetric(groupSize/took[groups/2].Seconds(), step.name+"-rows/s")
		b.ReportMetric(groupSize/took[groups/10].Seconds(), step.name+"-fast-rows/s")
		if step.name == "load" {
			reportSize(b, dsn, "import_rows", "loaded-")
		}
	}
	execute(b, dsn, "VACUUM")
	for _, table := range []string{"import_rows", "invitations", "messages"} {
		reportSize(b, dsn, table, "")
	}
}

func reportSize(b *testing.B, dsn, table, when string) {
	b.Helper()
	var size, rows int64
	query := fmt.Sprintf("SELECT pg_total_relation_size('invitebridge.%[1]s'), (SELECT count(*) FROM invitebridge.%[1]s)", table)
	if err := connect(b, dsn).QueryRow(b.Context(), query).Scan(&size, &rows); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(size)/float64(rows), when+table+"-B/row")
}
