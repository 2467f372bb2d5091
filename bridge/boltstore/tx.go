package boltstore

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// tx is a [bridge.Tx]: one function's view of a bbolt transaction, which the
// functions of a group share.
type tx struct {
	bolt     *bbolt.Tx // nil once the function has returned
	writable bool
	wrote    bool
	broken   error // damage, or a write that bbolt refused and that may be half done
	leases   *leases
	ended    []bridge.Lease // when the transaction is committed
	open     [len(layout)]*bbolt.Bucket
}

var _ bridge.Tx = (*tx)(nil)

func (t *tx) end() { t.bolt = nil }

// bucket opens a bucket once per transaction. Open has checked that it exists.
func (t *tx) bucket(b bucket) *bbolt.Bucket {
	if t.open[b] == nil {
		t.open[b] = b.in(t.bolt)
		t.open[b].FillPercent = layout[b].fill
	}
	return t.open[b]
}

// guarded turns a panic in a method that reads the file into ErrCorrupt: bbolt
// panics over an invalid page, this package over a key that is too short. It
// guards the methods and not the caller's function, whose own panics must reach
// the caller. A transaction that has found damage is never committed.
//
//	defer t.guarded(&err, debug.SetPanicOnFault(true))
func (t *tx) guarded(err *error, before bool) {
	debug.SetPanicOnFault(before)
	if p := recover(); p != nil {
		*err = t.corrupt("%v", p)
	}
	if errors.Is(*err, ErrCorrupt) && !errors.Is(t.broken, ErrCorrupt) {
		t.broken = errors.Join(t.broken, *err)
	}
}

func (t *tx) corrupt(format string, args ...any) error {
	return corrupt(t.bolt.DB().Path(), fmt.Sprintf(format, args...))
}

func (t *tx) checkOpen() error {
	if t.bolt == nil {
		return errTxEnded
	}
	return nil
}

// Invitation implements [bridge.Tx].
func (t *tx) Invitation(id uuid.UUID) (_ bridge.Invitation, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return bridge.Invitation{}, err
	}
	value := t.bucket(invitationsBucket).Get(id[:])
	if value == nil {
		return bridge.Invitation{}, bridge.ErrRowNotFound
	}
	return t.decodeInvitation(id, value)
}

// InvitationByToken implements [bridge.Tx].
func (t *tx) InvitationByToken(d bridge.Digest) (_ bridge.Invitation, _ bridge.TokenRecord, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	var none bridge.Invitation
	if err := t.checkOpen(); err != nil {
		return none, bridge.TokenRecord{}, err
	}
	key := t.bucket(tokensBucket).Get(d[:])
	if key == nil {
		return none, bridge.TokenRecord{}, bridge.ErrRowNotFound
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
	if err := t.checkOpen(); err != nil {
		return bridge.Invitation{}, err
	}
	value := t.bucket(emailsBucket).Get(pendingKey(email, schemaID))
	if value == nil {
		return bridge.Invitation{}, bridge.ErrRowNotFound
	}
	return t.row(uuid.UUID(value))
}

// PendingOfIdentity implements [bridge.Tx].
func (t *tx) PendingOfIdentity(identity uuid.UUID) (bridge.Invitation, error) {
	list, err := t.ListInvitations(bridge.InvitationQuery{IdentityID: identity, State: bridge.StatePending, Limit: 1})
	if err == nil && (len(list) == 0 || identity == uuid.Nil) {
		err = bridge.ErrRowNotFound
	}
	if err != nil {
		return bridge.Invitation{}, err
	}
	return list[0], nil
}

// Invitations implements [bridge.Tx].
func (t *tx) Invitations(ids ...uuid.UUID) ([]bridge.Invitation, error) {
	return found(ids, t.Invitation)
}

// found reads rows one by one, and leaves out those that are missing.
func found[T any](ids []uuid.UUID, read func(uuid.UUID) (T, error)) (list []T, err error) {
	for _, id := range ids {
		switch row, err := read(id); {
		case err == nil:
			list = append(list, row)
		case !errors.Is(err, bridge.ErrRowNotFound):
			return nil, err
		}
	}
	return list, nil
}

// InvitationsOf implements [bridge.ImportTx].
func (t *tx) InvitationsOf(emails ...string) (list []bridge.Invitation, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	for _, email := range slices.Compact(slices.Sorted(slices.Values(emails))) {
		for _, id := range t.currentOf(email) {
			inv, err := t.row(id)
			if err != nil {
				return nil, err
			}
			list = append(list, inv)
		}
	}
	return list, nil
}

// currentOf returns the pending invitations of an email address, and the newest
// terminal one if no pending one is newer.
func (t *tx) currentOf(email string) (ids []uuid.UUID) {
	walk := t.pending(emailsBucket, emailPrefix(email, pendingMark), uuid.Nil)
	for id, ok := walk(); ok; id, ok = walk() {
		ids = append(ids, id)
	}
	ended, ok := t.descend(emailsBucket, emailPrefix(email, endedMark), uuid.Nil)()
	if ok && (len(ids) == 0 || compare(ended, ids[0]) > 0) {
		ids = append(ids, ended)
	}
	return ids
}

// ExpiringInvitations implements [bridge.Tx].
func (t *tx) ExpiringInvitations(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(expiringBucket, now, limit)
}

// ExpiredClaims implements [bridge.Tx].
func (t *tx) ExpiredClaims(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(lapsingBucket, now, limit)
}

// InvitationsToRemind implements [bridge.Tx].
func (t *tx) InvitationsToRemind(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(remindingBucket, now, limit)
}

// InvitationsToCheck implements [bridge.Tx].
func (t *tx) InvitationsToCheck(now time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(watchedBucket, now, limit)
}

// TerminalInvitations implements [bridge.Tx].
func (t *tx) TerminalInvitations(before time.Time, limit int) ([]bridge.Invitation, error) {
	return t.due(endedBucket, before, limit)
}

// due reads the rows of a bucket ordered by time, up to and including now.
func (t *tx) due(b bucket, now time.Time, limit int) (_ []bridge.Invitation, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
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

// row reads an invitation that an index refers to.
func (t *tx) row(id uuid.UUID) (bridge.Invitation, error) {
	value := t.bucket(invitationsBucket).Get(id[:])
	if value == nil {
		return bridge.Invitation{}, t.corrupt("an index refers to invitation %s, which is missing", id)
	}
	return t.decodeInvitation(id, value)
}

func (t *tx) decodeInvitation(id uuid.UUID, value []byte) (inv bridge.Invitation, err error) {
	if inv, err = invitationRows.decode(value); err != nil {
		return bridge.Invitation{}, t.corrupt("invitation %s: %v", id, err)
	}
	return inv, nil
}

func (t *tx) decodeToken(id uuid.UUID, value []byte) (r bridge.TokenRecord, err error) {
	if r, err = tokenRows.decode(value); err != nil {
		return bridge.TokenRecord{}, t.corrupt("a token of invitation %s: %v", id, err)
	}
	return r, nil
}
