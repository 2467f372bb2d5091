package pgstore

import (
	"time"

	"invitebridge/bridge"

	"github.com/jackc/pgx/v5"
)

// ListInvitations implements [bridge.Tx].
func (t *tx) ListInvitations(q bridge.InvitationQuery) ([]bridge.Invitation, error) {
	statement, args := listInvitations(q)
	return t.list(statement, args)
}

// CountPending implements [bridge.Tx]. An Update sees no other that changes the number.
func (t *tx) CountPending(by bridge.Creator, limit int) (n int, err error) {
	if err := t.checkOpen(); err != nil {
		return 0, err
	}
	if t.writable {
		if err := t.takePredicates(ofInvitations); err != nil {
			return 0, err
		}
	}
	err = t.do(statement{sql: countPending, args: []any{argText(string(by.Kind)), argText(by.ID), limit}, rows: func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&n}, func() error { return nil })
		return err
	}})
	return n, err
}

// PendingCreators implements [bridge.Tx].
func (t *tx) PendingCreators(kind bridge.CreatorKind, after string, limit int) (ids []string, err error) {
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	if t.writable {
		if err := t.takePredicates(ofInvitations); err != nil {
			return nil, err
		}
	}
	var one text
	err = t.do(statement{sql: pendingCreators, args: []any{argText(string(kind)), argText(after), limit}, rows: func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&one}, func() error { ids = append(ids, string(one)); return nil })
		return err
	}})
	return ids, err
}

// ExpiringInvitations implements [bridge.Tx].
func (t *tx) ExpiringInvitations(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.list(selectExpiring, []any{(*moment)(&now), limit})
}

// ExpiredClaims implements [bridge.Tx].
func (t *tx) ExpiredClaims(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.list(selectClaims, []any{(*moment)(&now), limit})
}

// InvitationsToRemind implements [bridge.Tx].
func (t *tx) InvitationsToRemind(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.list(selectReminders, []any{(*moment)(&now), limit})
}

// InvitationsToCheck implements [bridge.Tx].
func (t *tx) InvitationsToCheck(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.list(selectChecks, []any{(*moment)(&now), limit})
}

// TerminalInvitations implements [bridge.Tx].
func (t *tx) TerminalInvitations(before time.Time, limit int) ([]bridge.Invitation, error) {
	return t.list(selectTerminal, []any{(*moment)(&before), limit})
}

func (t *tx) list(q query, args []any) (list []bridge.Invitation, err error) {
	rows, err := t.readInvitations(q, args, target{predicate: true})
	for _, r := range rows {
		list = append(list, r.invitation())
	}
	return list, err
}

const (
	selectCounters = "SELECT coalesce(sum(pending), 0)::bigint, coalesce(sum(queued), 0)::bigint FROM invitebridge.counters"
	selectOldest   = "SELECT t.created_at FROM invitebridge.messages t WHERE t.state = 'queued' ORDER BY t.id LIMIT 1"
)

// Backlog implements [bridge.Tx].
func (t *tx) Backlog() (b bridge.Backlog, err error) {
	if err := t.checkOpen(); err != nil {
		return b, err
	}
	err = t.do(
		statement{sql: selectCounters, rows: func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&b.Pending, &b.Queued}, func() error { return nil })
			return err
		}},
		statement{sql: selectOldest, rows: func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{(*moment)(&b.Oldest)}, func() error { return nil })
			return err
		}},
	)
	b.Pending, b.Queued = b.Pending+t.delta.pending, b.Queued+t.delta.queued
	return b, err
}
