package boltstore

import (
	"bytes"
	"runtime/debug"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// ListInvitations implements [bridge.Tx]. Each combination of filters has an
// index to walk, from the beginning of the page to its end. There are three
// exceptions. An email or an identity combined with other filters reads all
// invitations of the email or identity, which are few. Several of an import, an inviter,
// a creator, an origin and a method walk the index of each, and read no other
// invitations but those of the method in other states. The origin "created", which most
// have, has no index.
func (t *tx) ListInvitations(q bridge.InvitationQuery) (_ []bridge.Invitation, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
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

func matches(inv bridge.Invitation, q bridge.InvitationQuery) bool {
	return (q.Email == "" || q.Email == inv.Email) &&
		(q.State == "" || q.State == inv.State) &&
		(q.InviterID == "" || q.InviterID == inv.InviterID) &&
		(q.CreatedBy == bridge.Creator{} || q.CreatedBy == inv.CreatedBy) &&
		(q.Origin == "" || q.Origin == inv.Origin) &&
		(q.Method == "" || q.Method == inv.Method) &&
		(q.IdentityID == uuid.Nil || q.IdentityID == inv.IdentityID) &&
		(q.ImportID == uuid.Nil || q.ImportID == inv.ImportID)
}

// idIterator returns the next id, in descending order, or false at the end.
type idIterator func() (uuid.UUID, bool)

func (t *tx) plan(q bridge.InvitationQuery) idIterator {
	switch {
	case q.IdentityID != uuid.Nil:
		return merge([]idIterator{
			t.pending(identitiesBucket, identityPrefix(q.IdentityID, pendingMark), q.Before),
			t.descend(identitiesBucket, identityPrefix(q.IdentityID, endedMark), q.Before),
		})
	case q.Email != "":
		return merge([]idIterator{
			t.pending(emailsBucket, emailPrefix(q.Email, pendingMark), q.Before),
			t.descend(emailsBucket, emailPrefix(q.Email, endedMark), q.Before),
		})
	}
	var walks []idIterator
	if q.ImportID != uuid.Nil {
		walks = append(walks, t.byState(importedBucket, q, func(s bridge.State) []byte { return importedPrefix(q.ImportID, s) }))
	}
	if q.InviterID != "" {
		walks = append(walks, t.byState(invitersBucket, q, func(s bridge.State) []byte { return inviterPrefix(q.InviterID, s) }))
	}
	if q.CreatedBy != (bridge.Creator{}) {
		walks = append(walks, t.byState(creatorsBucket, q, func(s bridge.State) []byte { return creatorPrefix(q.CreatedBy, s) }))
	}
	if unusual(q.Origin) {
		walks = append(walks, t.byState(originsBucket, q, func(s bridge.State) []byte { return originPrefix(q.Origin, s) }))
	}
	if q.Method != "" {
		walks = append(walks, t.descend(methodsBucket, hash(string(q.Method)), q.Before))
	}
	switch {
	case len(walks) > 0:
		return intersect(walks)
	case q.State != "":
		return t.descend(statesBucket, []byte{stateCode(q.State)}, q.Before)
	default:
		return t.descend(invitationsBucket, nil, q.Before)
	}
}

// byState walks an index whose keys have the state before the id. Merging one walk
// per state saves an index without states.
func (t *tx) byState(b bucket, q bridge.InvitationQuery, prefix func(bridge.State) []byte) idIterator {
	if q.State != "" {
		return t.descend(b, prefix(q.State), q.Before)
	}
	var walks []idIterator
	for _, state := range bridge.States() {
		walks = append(walks, t.descend(b, prefix(state), q.Before))
	}
	return merge(walks)
}

// pending iterates over the pending invitations of an email address, one per
// schema, or of an identity.
func (t *tx) pending(b bucket, prefix []byte, before uuid.UUID) idIterator {
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

// descend walks a fenced bucket backwards over the keys that consist of prefix,
// an id below before, and possibly more. It returns each id once.
//
// In a transaction that deletes, bbolt's backward walk takes a page that has
// become empty for the end, and its search for the last key of such a bucket may
// never return. With fences the real end is known: no walk passes the low fence,
// and there is always a key to start from.
func (t *tx) descend(b bucket, prefix []byte, before uuid.UUID) idIterator {
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
		// The next search starts below this id, and so skips its token rows.
		at = append(at[:len(prefix)], id[:]...)
		return id, true
	}
}

// below returns the greatest key below at.
func below(c *bbolt.Cursor, at []byte) []byte {
	c.Seek(at)
	k, _ := c.Prev()
	for k == nil {
		k, _ = c.Prev()
	}
	return k
}

// merge iterates over the ids of all walks, in descending order.
func merge(walks []idIterator) idIterator {
	heads := make([]uuid.UUID, len(walks)) // Nil: that walk has ended
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

// intersect iterates over the ids that all walks have, in descending order.
func intersect(walks []idIterator) idIterator {
	if len(walks) == 1 {
		return walks[0]
	}
	one, others := walks[0], intersect(walks[1:])
	return func() (uuid.UUID, bool) {
		a, more := one()
		b, also := others()
		for more && also && a != b {
			if compare(a, b) > 0 {
				a, more = one()
			} else {
				b, also = others()
			}
		}
		return a, more && also
	}
}

func compare(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
