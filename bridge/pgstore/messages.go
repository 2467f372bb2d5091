package pgstore

import (
	"errors"
	"slices"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Message implements [bridge.Tx].
func (t *tx) Message(id uuid.UUID) (bridge.Message, error) {
	if r := t.known[id]; r != nil {
		return r.message()
	}
	list, err := t.readMessages(selectMessage, []any{argID(id)}, target{})
	if err != nil {
		return bridge.Message{}, err
	}
	if len(list) == 0 {
		return bridge.Message{}, bridge.ErrRowNotFound
	}
	return list[0], nil
}

// Messages implements [bridge.Tx]. In an update, their invitations are read as well:
// an update that uses a message uses its invitation.
func (t *tx) Messages(ids ...uuid.UUID) ([]bridge.Message, error) {
	return t.messagesAndInvitations(ids, nil)
}

// messagesAndInvitations reads messages by id. Known are their invitations, if those
// are locked.
func (t *tx) messagesAndInvitations(ids []uuid.UUID, known ascend) ([]bridge.Message, error) {
	list, err := t.readMessages(selectMessages, []any{uuids(ids)}, target{known: known})
	if err == nil && t.writable {
		err = t.readInvitationsOf(list)
	}
	return list, err
}

func (t *tx) readInvitationsOf(list []bridge.Message) error {
	var missing ascend
	for _, m := range list {
		if m.InvitationID != uuid.Nil && t.rows[m.InvitationID] == nil {
			missing = missing.with(m.InvitationID)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err := t.Invitations(missing...)
	return err
}

// DueMessages implements [bridge.Tx]. What the first statement returns may have been
// changed before it was locked, so it is read again.
func (t *tx) DueMessages(endpoint string, now time.Time, limit int) (due []bridge.Message, err error) {
	args := []any{argText(endpoint), (*moment)(&now), limit}
	if !t.writable {
		return t.readMessages(selectDue, args, target{})
	}
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	t.claims = true
	var ids ascend
	var locked owners
	locking := func(sql string, c class) statement {
		return statement{sql: sql, args: args, rows: func(rows pgx.Rows) error {
			var message, owner uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{(*id)(&message), (*id)(&owner)}, func() error {
				ids, locked[c] = ids.with(message), locked[c].with(owner)
				return nil
			})
			return err
		}}
	}
	err = t.do(locking(lockDue, ofInvitations), locking(lockDueOfImports, ofImports))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	t.held, t.wanted = t.held.union(locked), t.wanted.union(locked)
	list, err := t.messagesAndInvitations(ids, locked[ofInvitations])
	for _, m := range list {
		if m.Endpoint == endpoint && m.State == bridge.MessageQueued && !m.NextAttemptAt().After(now) {
			due = append(due, m)
		}
	}
	slices.SortStableFunc(due, func(a, b bridge.Message) int { return a.NextAttemptAt().Compare(b.NextAttemptAt()) })
	return due[:min(len(due), limit)], err
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
	err = t.read(q, args, what, func(rows pgx.Rows) (o owners, err error) {
		if found, err = messages.scan(rows, attemptsOf); err != nil {
			return o, err
		}
		for _, r := range found {
			r.addOwner(&o)
		}
		return o, nil
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
