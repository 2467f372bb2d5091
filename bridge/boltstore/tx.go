package boltstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// tx is a [bridge.Tx]: one function's use of a bbolt transaction, which it may
// share with others of its group.
type tx struct {
	bolt     *bbolt.Tx // nil once the function has returned
	writable bool
	wrote    bool
	broken   error // damage, or a write that bbolt refused: some of it may be done
	open     [len(layout)]*bbolt.Bucket
}

var _ bridge.Tx = (*tx)(nil)

func (t *tx) end() { t.bolt = nil }

// bucket opens a bucket once per transaction. That it is there was checked when
// the file was opened.
func (t *tx) bucket(b bucket) *bbolt.Bucket {
	if t.open[b] == nil {
		t.open[b] = b.in(t.bolt)
		t.open[b].FillPercent = layout[b].fill
	}
	return t.open[b]
}

// guarded ends a method that reads the file: where bbolt panics over a page that
// makes no sense, or this package over a key that is too short, the method
// returns ErrDamaged. It is here and not around the function that calls the
// method, whose own panics are none of ours. Nothing is kept of a transaction
// that has met damage.
//
//	defer t.guarded(&err, debug.SetPanicOnFault(true))
func (t *tx) guarded(err *error, before bool) {
	debug.SetPanicOnFault(before)
	if p := recover(); p != nil {
		*err = t.damaged("%v", p)
	}
	if errors.Is(*err, ErrDamaged) && !errors.Is(t.broken, ErrDamaged) {
		t.broken = errors.Join(t.broken, *err)
	}
}

func (t *tx) damaged(format string, args ...any) error {
	return damaged(t.bolt.DB().Path(), fmt.Sprintf(format, args...))
}

func (t *tx) alive() error {
	if t.bolt == nil {
		return errTxOver
	}
	return nil
}

// Invitation implements [bridge.Tx].
func (t *tx) Invitation(id uuid.UUID) (_ bridge.Invitation, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.alive(); err != nil {
		return bridge.Invitation{}, err
	}
	value := t.bucket(invitationsBucket).Get(id[:])
	if value == nil {
		return bridge.Invitation{}, bridge.ErrMissing
	}
	return t.decodeInvitation(id, value)
}

// InvitationByToken implements [bridge.Tx].
func (t *tx) InvitationByToken(d bridge.Digest) (_ bridge.Invitation, _ bridge.TokenRecord, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	var none bridge.Invitation
	if err := t.alive(); err != nil {
		return none, bridge.TokenRecord{}, err
	}
	key := t.bucket(tokensBucket).Get(d[:])
	if key == nil {
		return none, bridge.TokenRecord{}, bridge.ErrMissing
	}
	id := uuid.UUID(key)
	inv, err := t.row(id)
	if err != nil {
		return none, bridge.TokenRecord{}, err
	}
	r, err := t.decodeToken(id, t.bucket(invitationsBucket).Get(tokenRowKey(id, d)))
	if err != nil {
		return none, bridge.TokenRecord{}, err
	}
	return inv, r, nil
}

// PendingInvitation implements [bridge.Tx].
func (t *tx) PendingInvitation(email, schemaID string) (_ bridge.Invitation, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.alive(); err != nil {
		return bridge.Invitation{}, err
	}
	value := t.bucket(emailsBucket).Get(pendingKey(email, schemaID))
	if value == nil {
		return bridge.Invitation{}, bridge.ErrMissing
	}
	return t.row(uuid.UUID(value))
}

// ExpiringInvitations implements [bridge.Tx].
func (t *tx) ExpiringInvitations(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(expiringBucket, now, limit)
}

// LapsedClaims implements [bridge.Tx].
func (t *tx) LapsedClaims(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(lapsingBucket, now, limit)
}

// WatchedInvitations implements [bridge.Tx].
func (t *tx) WatchedInvitations(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(watchedBucket, now, limit)
}

// EndedInvitations implements [bridge.Tx].
func (t *tx) EndedInvitations(before time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(endedBucket, before, limit)
}

// due reads the rows of a bucket ordered by time, up to and including now.
func (t *tx) due(b bucket, now time.Time, limit int) (_ []bridge.Invitation, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.alive(); err != nil {
		return nil, err
	}
	var list []bridge.Invitation
	end := string(timeKey(now))
	c := t.bucket(b).Cursor()
	for k, _ := c.First(); k != nil && len(list) < limit && string(k[:timeSize]) <= end; k, _ = c.Next() {
		inv, err := t.row(uuid.UUID(k[timeSize:]))
		if err != nil {
			return nil, err
		}
		list = append(list, inv)
	}
	return list, nil
}

// row reads an invitation that an index says is there.
func (t *tx) row(id uuid.UUID) (bridge.Invitation, error) {
	value := t.bucket(invitationsBucket).Get(id[:])
	if value == nil {
		return bridge.Invitation{}, t.damaged("an index names the invitation %s, which is missing", id)
	}
	return t.decodeInvitation(id, value)
}

func (t *tx) decodeInvitation(id uuid.UUID, value []byte) (inv bridge.Invitation, err error) {
	if err = json.Unmarshal(value, &inv); err != nil {
		return bridge.Invitation{}, t.damaged("the invitation %s: %v", id, err)
	}
	return inv, nil
}

func (t *tx) decodeToken(id uuid.UUID, value []byte) (r bridge.TokenRecord, err error) {
	if err = json.Unmarshal(value, &r); err != nil {
		return bridge.TokenRecord{}, t.damaged("a token of the invitation %s: %v", id, err)
	}
	return r, nil
}
