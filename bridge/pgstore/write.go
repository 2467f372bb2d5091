package pgstore

import (
	"errors"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	insertInvitation = invitations.insert() + " ON CONFLICT DO NOTHING"
	updateInvitation = invitations.update()
	// updatePending is for a row that becomes pending, or is and changes its
	// address or identity. A conflict must leave the transaction usable, so the
	// statement looks for it. One that commits in between violates a unique index;
	// then the function runs again, and finds it.
	updatePending = updateInvitation + ` AND NOT EXISTS (SELECT FROM invitebridge.invitations o
		WHERE o.state = 'pending' AND o.email = $3 AND o.schema_id = $9 AND o.id <> $1)
		AND NOT EXISTS (SELECT FROM invitebridge.invitations o
		WHERE o.state = 'pending' AND o.identity_id = $4 AND o.id <> $1)`
)

const (
	putToken = `INSERT INTO invitebridge.tokens AS t (digest, invitation_id, channel, epoch) VALUES ($1, $2, $3, $4)
		ON CONFLICT (digest) DO UPDATE SET invitation_id = excluded.invitation_id, channel = excluded.channel, epoch = excluded.epoch`
	deleteInvitation = `DELETE FROM invitebridge.invitations t WHERE t.id = $1
		RETURNING (SELECT count(*) FROM invitebridge.messages m WHERE m.invitation_id = t.id AND m.state = 'queued')`
)

// InsertInvitation implements [bridge.Tx].
func (t *tx) InsertInvitation(inv bridge.Invitation) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	row, err := rowOf(inv)
	if err != nil {
		return err
	}
	inserted, err := t.insert(row)
	switch {
	case err != nil:
		return err
	case !inserted:
		return bridge.ErrPendingExists
	}
	t.replace(nil, row)
	return nil
}

// PutInvitation implements [bridge.Tx].
func (t *tx) PutInvitation(inv bridge.Invitation) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	row, err := rowOf(inv)
	if err != nil {
		return err
	}
	if t.rows[inv.ID] == nil {
		if err := t.InsertInvitation(inv); !errors.Is(err, bridge.ErrPendingExists) {
			return err
		}
		// Its id exists, or its address or identity is taken.
		_, err = t.one(selectByID, []any{argID(inv.ID)}, target{known: ascend{inv.ID}})
		if errors.Is(err, bridge.ErrRowNotFound) {
			return bridge.ErrPendingExists
		} else if err != nil {
			return err
		}
	}
	return t.update(t.rows[inv.ID], row)
}

// insert reports whether there was no conflict.
func (t *tx) insert(row *invitationRow) (bool, error) {
	var n int64
	err := t.do(statement{sql: insertInvitation, args: invitations.args(row), tag: func(tag pgconn.CommandTag) error {
		n = tag.RowsAffected()
		return nil
	}})
	if n > 0 {
		t.wrote = true
		t.hold(ofInvitations, row.ID)
		t.fresh = t.fresh.with(row.ID)
	}
	return n > 0, err
}

// update replaces a row that this transaction has locked.
func (t *tx) update(before, after *invitationRow) error {
	args := invitations.args(after)
	moved := before.Email != after.Email || before.SchemaID != after.SchemaID || before.IdentityID != after.IdentityID
	if after.pending() == 0 || before.pending() == 1 && !moved {
		t.write(updateInvitation, args...) // it cannot conflict
		t.replace(before, after)
		return nil
	}
	var n int64
	err := t.do(statement{sql: updatePending, args: args, tag: func(tag pgconn.CommandTag) error {
		n = tag.RowsAffected()
		return nil
	}})
	if err != nil {
		return err
	}
	if n == 0 {
		return bridge.ErrPendingExists
	}
	t.wrote = true
	t.replace(before, after)
	return nil
}

// replace notes what a row is now; nil: there is none.
func (t *tx) replace(before, after *invitationRow) {
	t.delta.pending += after.pending() - before.pending()
	if after == nil {
		delete(t.rows, before.ID)
		return
	}
	t.rows[after.ID] = after
}

// PutToken implements [bridge.Tx].
func (t *tx) PutToken(d bridge.Digest, r bridge.TokenRecord) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	args := []any{d[:], argID(r.InvitationID), argText(string(r.Channel)), r.Epoch}
	if !validTexts(args) {
		return errors.New("pgstore: the channel of a token is not valid UTF-8")
	}
	if _, err := t.invitationByID(r.InvitationID); err != nil {
		return err
	}
	t.write(putToken, args...)
	return nil
}

// DeleteInvitation implements [bridge.Tx].
func (t *tx) DeleteInvitation(id uuid.UUID) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	before, err := t.invitationByID(id)
	if err != nil {
		return err
	}
	var queued int
	err = t.do(statement{sql: deleteInvitation, args: []any{argID(id)}, rows: func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&queued}, func() error { return nil })
		return err
	}})
	if err != nil {
		return err
	}
	t.wrote = true
	t.delta.queued -= queued
	t.replace(before, nil)
	for mid, m := range t.known {
		if m.InvitationID == id {
			delete(t.known, mid)
		}
	}
	return nil
}
