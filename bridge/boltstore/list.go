package boltstore

import (
	"bytes"
	"runtime/debug"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// ListInvitations implements [bridge.Tx]. Each combination of filters walks a
// tree of its own, from the page's beginning to its end; only a query with an
// email or an identity and more reads all that this one ever had, which is
// little.
func (t *tx) ListInvitations(q bridge.Query) (_ []bridge.Invitation, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.alive(); err != nil {
		return nil, err
	}
	if q.State != "" && stateCode(q.State) == 0 {
		return nil, nil
	}
	var list []bridge.Invitation
	walk := t.plan(q)
	for len(list) < q.Limit {
		id, ok := walk()
		if !ok {
			break
		}
		inv, err := t.row(id)
		if err != nil {
			return nil, err
		}
		if matches(inv, q) {
			list = append(list, inv)
		}
	}
	return list, nil
}

func matches(inv bridge.Invitation, q bridge.Query) bool {
	return (q.Email == "" || q.Email == inv.Email) &&
		(q.State == "" || q.State == inv.State) &&
		(q.InviterID == "" || q.InviterID == inv.InviterID) &&
		(q.IdentityID == uuid.Nil || q.IdentityID == inv.IdentityID)
}

// ids gives one id after the other, descending, until there is none.
type ids func() (uuid.UUID, bool)

func (t *tx) plan(q bridge.Query) ids {
	switch {
	case q.IdentityID != uuid.Nil:
		return merge([]ids{
			t.pending(identitiesBucket, identityPrefix(q.IdentityID, pendingMark), q.Before),
			t.down(identitiesBucket, identityPrefix(q.IdentityID, endedMark), q.Before),
		})
	case q.Email != "":
		return merge([]ids{
			t.pending(emailsBucket, emailPrefix(q.Email, pendingMark), q.Before),
			t.down(emailsBucket, emailPrefix(q.Email, endedMark), q.Before),
		})
	case q.InviterID != "" && q.State != "":
		return t.down(invitersBucket, inviterPrefix(q.InviterID, q.State), q.Before)
	case q.InviterID != "":
		// One walk for each state, merged, saves a tree of all states.
		var walks []ids
		for _, state := range bridge.States() {
			walks = append(walks, t.down(invitersBucket, inviterPrefix(q.InviterID, state), q.Before))
		}
		return merge(walks)
	case q.State != "":
		return t.down(statesBucket, []byte{stateCode(q.State)}, q.Before)
	default:
		return t.down(invitationsBucket, nil, q.Before)
	}
}

// pending gives the pending ones of an email, one for each schema, or of an
// identity.
func (t *tx) pending(b bucket, prefix []byte, before uuid.UUID) ids {
	var list []uuid.UUID
	c := t.bucket(b).Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if id := uuid.UUID(v); before == uuid.Nil || compare(id, before) < 0 {
			list = append(list, id)
		}
	}
	slices.SortFunc(list, compare)
	return func() (id uuid.UUID, ok bool) {
		if len(list) == 0 {
			return uuid.Nil, false
		}
		id, list = list[len(list)-1], list[:len(list)-1]
		return id, true
	}
}

// down walks a fenced bucket backwards, over the keys that are the prefix, an
// id below before, and perhaps more. Each id is given once.
//
// In a transaction that deletes, bbolt stops walking backwards at a page that
// has become empty and calls that the end, and may look for the last key of
// such a bucket for ever. The fences make it plain what an end is: one does not
// get past the low one, and there is always a key to start from.
func (t *tx) down(b bucket, prefix []byte, before uuid.UUID) ids {
	if before == uuid.Nil {
		before = uuid.Max
	}
	c := t.bucket(b).Cursor()
	at := append(slices.Clip(prefix), before[:]...)
	return func() (id uuid.UUID, ok bool) {
		k := below(c, at)
		if len(k) < len(prefix)+idSize || !bytes.HasPrefix(k, prefix) {
			return uuid.Nil, false
		}
		id = uuid.UUID(k[len(prefix):][:idSize])
		// What follows the id, such as tokens, is stepped over and not read.
		at = append(at[:len(prefix)], id[:]...)
		return id, true
	}
}

// below finds the greatest key below at.
func below(c *bbolt.Cursor, at []byte) []byte {
	c.Seek(at)
	k, _ := c.Prev()
	for k == nil {
		k, _ = c.Prev()
	}
	return k
}

// merge gives the ids of all walks, descending.
func merge(walks []ids) ids {
	heads := make([]uuid.UUID, len(walks)) // Nil: that walk is over
	for i, walk := range walks {
		heads[i], _ = walk()
	}
	return func() (uuid.UUID, bool) {
		first := 0
		for i := range heads {
			if compare(heads[i], heads[first]) > 0 {
				first = i
			}
		}
		id := heads[first]
		if id == uuid.Nil {
			return uuid.Nil, false
		}
		heads[first], _ = walks[first]()
		return id, true
	}
}

func compare(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
