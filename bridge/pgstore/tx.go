package pgstore

import (
	"errors"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// tx is a [bridge.Tx]: one run of a function in a transaction.
type tx struct {
	session
	writable   bool
	wrote      bool
	committing bool
	broken     error // of the database; the transaction must be rolled back
	ended      bool

	// Of an update only:
	mode
	held        owners                       // what this transaction has locked or inserted
	wanted      owners                       // that, and what it could not lock
	fresh       ascend                       // the invitations that it has inserted
	rows        map[uuid.UUID]*invitationRow // as they are now, by this transaction
	imports     map[uuid.UUID]*importRow     // likewise
	requests    map[bridge.Digest]bool       // keys that it has locked
	known       map[uuid.UUID]*messageRow    // likewise
	newMessages int                          // where in the queue the statement for new messages is
	predicates  [classes]bool                // it holds the lock of predicate reads
	claims      bool                         // it has locked what is due, which others skip meanwhile
	delta       counts                       // what this transaction adds to the counters
}

var _ bridge.Tx = (*tx)(nil)

type counts struct{ pending, queued int }

// finish ends the use of a tx. What was not committed is rolled back.
func (t *tx) finish() {
	t.ended = true
	t.end()
}

func (t *tx) checkOpen() error {
	if t.ended {
		return errTxEnded
	}
	return t.broken
}

func (t *tx) mayWrite() error {
	if err := t.checkOpen(); err != nil {
		return err
	}
	if !t.writable {
		return bridge.ErrReadOnly
	}
	return nil
}

// do sends statements after all that is queued.
func (t *tx) do(statements ...statement) error {
	if err := t.send(statements...); err != nil {
		t.broken = err
	}
	return t.broken
}

// write queues a statement whose result no one needs. An error of it ends the
// transaction when it is sent.
func (t *tx) write(sql string, args ...any) {
	t.wrote = true
	t.add(sql, args...)
}

// Invitation implements [bridge.Tx].
func (t *tx) Invitation(id uuid.UUID) (bridge.Invitation, error) {
	r, err := t.invitationByID(id)
	if err != nil {
		return bridge.Invitation{}, err
	}
	return r.invitation(), nil
}

// invitationByID reads a row, unless this transaction has locked it: then it knows it.
//
// Errors: ErrRowNotFound.
func (t *tx) invitationByID(id uuid.UUID) (*invitationRow, error) {
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	if r := t.rows[id]; r != nil {
		return r, nil
	}
	return t.one(selectByID, []any{argID(id)}, target{known: ascend{id}})
}

// InvitationByToken implements [bridge.Tx].
func (t *tx) InvitationByToken(d bridge.Digest) (bridge.Invitation, bridge.TokenRecord, error) {
	var record bridge.TokenRecord
	r, err := t.one(selectByToken, []any{d[:]}, target{further: func(*invitationRow) []any {
		record = bridge.TokenRecord{}
		return []any{(*text)(&record.Channel), &record.Epoch}
	}})
	if err != nil {
		return bridge.Invitation{}, bridge.TokenRecord{}, err
	}
	record.InvitationID = r.ID
	return r.invitation(), record, nil
}

// PendingInvitation implements [bridge.Tx].
func (t *tx) PendingInvitation(email, schemaID string) (bridge.Invitation, error) {
	r, err := t.one(selectPending, []any{argText(email), argText(schemaID)}, target{})
	if err != nil {
		return bridge.Invitation{}, err
	}
	return r.invitation(), nil
}

// PendingOfIdentity implements [bridge.Tx].
func (t *tx) PendingOfIdentity(identity uuid.UUID) (bridge.Invitation, error) {
	r, err := t.one(selectPendingOfIdentity, []any{argID(identity)}, target{})
	if err != nil {
		return bridge.Invitation{}, err
	}
	return r.invitation(), nil
}

// Invitations implements [bridge.Tx].
func (t *tx) Invitations(ids ...uuid.UUID) (list []bridge.Invitation, err error) {
	wanted := ascend(nil).union(ids)
	rows, err := t.readInvitations(selectByIDs, []any{uuids(wanted)}, target{known: wanted})
	for _, r := range rows {
		list = append(list, r.invitation())
	}
	return list, err
}

// one reads at most one invitation.
//
// Errors: ErrRowNotFound.
func (t *tx) one(q query, args []any, what target) (*invitationRow, error) {
	list, err := t.readInvitations(q, args, what)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, bridge.ErrRowNotFound
	}
	return list[0], nil
}

// readInvitations reads invitations. In an update they are locked first.
func (t *tx) readInvitations(q query, args []any, what target) (list []*invitationRow, err error) {
	err = t.read(q, args, what, func(rows pgx.Rows) (o owners, err error) {
		if list, err = invitations.scan(rows, what.further); err != nil {
			return o, err
		}
		for _, r := range list {
			o[ofInvitations] = o[ofInvitations].with(r.ID)
		}
		return o, nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if t.writable {
			t.rows[r.ID] = r
		}
	}
	return list, nil
}

var errUnsteady = errors.New("pgstore: what was read changed while it was being locked")

func argID(v uuid.UUID) *id  { return (*id)(&v) }
func argText(v string) *text { return (*text)(&v) }
