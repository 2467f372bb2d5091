package pgstore

import (
	"errors"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ListInvitations implements [bridge.Tx].
func (t *tx) ListInvitations(q bridge.InvitationQuery) ([]bridge.Invitation, error) {
	statement, args := listInvitations(q)
	return t.list(statement, args)
}

// ExpiringInvitations implements [bridge.Tx].
func (t *tx) ExpiringInvitations(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.list(selectExpiring, []any{(*moment)(&now), limit})
}

// ExpiredClaims implements [bridge.Tx].
func (t *tx) ExpiredClaims(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.list(selectClaims, []any{(*moment)(&now), limit})
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

// Message implements [bridge.Tx].
func (t *tx) Message(id uuid.UUID) (bridge.Message, error) {
	list, err := t.readMessages(selectMessage, []any{argID(id)}, target{})
	if err != nil {
		return bridge.Message{}, err
	}
	if len(list) == 0 {
		return bridge.Message{}, bridge.ErrRowNotFound
	}
	return list[0], nil
}

// QueuedMessages implements [bridge.Tx].
func (t *tx) QueuedMessages(endpoint string, limit int) ([]bridge.Message, error) {
	return t.readMessages(selectQueue, []any{argText(endpoint), limit}, target{predicate: true})
}

// ListMessages implements [bridge.Tx]. The messages of one invitation are covered by
// its lock. One that this transaction has inserted has only those that it has put.
func (t *tx) ListMessages(q bridge.MessageQuery) ([]bridge.Message, error) {
	statement, args := listMessages(q)
	if q.InvitationID == uuid.Nil {
		return t.readMessages(statement, args, target{predicate: true})
	}
	if t.writable {
		if _, err := t.invitationByID(q.InvitationID); errors.Is(err, bridge.ErrRowNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		if t.fresh.has(q.InvitationID) && !t.knowsMessageOf(q.InvitationID) {
			return nil, nil
		}
	}
	return t.readMessages(statement, args, target{known: ascend{q.InvitationID}})
}

func (t *tx) knowsMessageOf(invitation uuid.UUID) bool {
	for _, m := range t.known {
		if m.InvitationID == invitation {
			return true
		}
	}
	return false
}

func (t *tx) readMessages(q query, args []any, what target) (list []bridge.Message, err error) {
	var found []*messageRow
	err = t.read(q, args, what, func(rows pgx.Rows) (ids []uuid.UUID, err error) {
		if found, err = messages.scan(rows, attemptsOf); err != nil {
			return nil, err
		}
		for _, r := range found {
			ids = append(ids, r.InvitationID)
		}
		return ids, nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		r.normalize()
		if t.writable {
			t.known[r.ID] = r
		}
		m, err := r.message()
		if err != nil {
			t.broken = err
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
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
