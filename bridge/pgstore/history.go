package pgstore

import (
	"errors"
	"fmt"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// historyRow is an entry of a history as the table has it.
type historyRow struct{ bridge.HistoryEntry }

var entries = table[historyRow]{"history", []column[historyRow]{
	{"invitation_id", func(r *historyRow) any { return (*id)(&r.InvitationID) }},
	{"id", func(r *historyRow) any { return (*id)(&r.ID) }},
	{"at", func(r *historyRow) any { return (*moment)(&r.At) }},
	{"action", func(r *historyRow) any { return (*text)(&r.Action) }},
	{"by_kind", func(r *historyRow) any { return (*text)(&r.By.Kind) }},
	{"by_id", func(r *historyRow) any { return (*text)(&r.By.ID) }},
	{"request_id", func(r *historyRow) any { return (*text)(&r.RequestID) }},
}}

var (
	insertEntries = entries.insertMany() + " ON CONFLICT DO NOTHING"
	selectHistory = "SELECT " + entries.names() + ` FROM invitebridge.history t
		WHERE t.invitation_id = $1 AND ($2::uuid IS NULL OR t.id < $2) ORDER BY t.id DESC LIMIT $3`
	selectHistoryOf = "SELECT " + entries.names() + ` FROM invitebridge.history t
		WHERE t.invitation_id = ANY ($1) ORDER BY t.invitation_id, t.id`
)

// historyRowOf returns the row of an entry. It rejects what the table would not give back
// unchanged, or would refuse: a refused statement ends a transaction.
func historyRowOf(e bridge.HistoryEntry) (*historyRow, error) {
	if e.ID == uuid.Nil {
		return nil, errors.New("pgstore: the entry of a history has no id")
	}
	r := &historyRow{e}
	if !validTexts(entries.args(r)) {
		return nil, fmt.Errorf("pgstore: entry %s of a history has a text that is not valid UTF-8", e.ID)
	}
	return r, nil
}

// AppendHistory implements [bridge.Tx]. It is one statement for any number of entries.
func (t *tx) AppendHistory(list ...bridge.HistoryEntry) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	rows := make([]*historyRow, len(list))
	for i, e := range list {
		var err error
		if rows[i], err = historyRowOf(e); err != nil {
			return err
		}
		if _, err := t.invitationByID(e.InvitationID); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		t.write(insertEntries, entries.arrays(rows)...)
	}
	return nil
}

// ListHistory implements [bridge.Tx]. A history is covered by the lock of its invitation.
func (t *tx) ListHistory(q bridge.HistoryQuery) (list []bridge.HistoryEntry, err error) {
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	if t.writable {
		if _, err := t.invitationByID(q.InvitationID); errors.Is(err, bridge.ErrRowNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	args := []any{argID(q.InvitationID), (*optionalID)(&q.Before), q.Limit}
	err = t.do(statement{sql: selectHistory, args: args, rows: func(rows pgx.Rows) (err error) {
		list, err = scanHistory(rows)
		return err
	}})
	return list, err
}

func scanHistory(rows pgx.Rows) (list []bridge.HistoryEntry, err error) {
	found, err := entries.scan(rows, nil)
	for _, r := range found {
		list = append(list, r.HistoryEntry)
	}
	return list, err
}
