package boltstore

import (
	"bytes"
	"slices"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// entry is one index entry of an invitation or a message. One with a value is
// unique: no other row may have the same.
type entry struct {
	bucket     bucket
	key, value []byte
}

// entryList collects the entries of a row. Their keys share one allocation.
type entryList struct {
	all  []entry
	keys []byte
}

// maxKey is the size of the longest key but those of requests.
const maxKey = hashSize + timeSize + idSize

// newEntryList returns a list with room for n entries.
func newEntryList(n int) entryList {
	return entryList{make([]entry, 0, n), make([]byte, 0, n*maxKey)}
}

func (l *entryList) add(b bucket, value []byte, key ...[]byte) {
	start := len(l.keys)
	for _, part := range key {
		l.keys = append(l.keys, part...)
	}
	l.all = append(l.all, entry{b, slices.Clip(l.keys[start:]), value})
}

// unusual reports whether few invitations have an origin, so that its index is small.
func unusual(o bridge.Origin) bool { return o != "" && o != bridge.OriginCreated }

// entries derives all index entries of an invitation, from the invitation alone.
func entries(inv bridge.Invitation) []entry {
	list := newEntryList(9)
	none, id, state, identity := []byte{}, bytes.Clone(inv.ID[:]), []byte{stateCode(inv.State)}, inv.IdentityID[:]
	list.add(statesBucket, none, state, id)
	if inv.InviterID != "" {
		list.add(invitersBucket, none, hash(inv.InviterID), state, id)
	}
	if inv.CreatedBy != (bridge.Creator{}) {
		list.add(creatorsBucket, none, state, hash(inv.CreatedBy.String()), id)
	}
	if unusual(inv.Origin) {
		list.add(originsBucket, none, hash(string(inv.Origin)), state, id)
	}
	if inv.Method != "" {
		list.add(methodsBucket, none, hash(string(inv.Method)), id)
	}
	if inv.ImportID != uuid.Nil {
		list.add(importedBucket, none, inv.ImportID[:], state, id)
	}
	if !inv.CheckAt.IsZero() && inv.Claim == nil {
		list.add(watchedBucket, none, timeKey(inv.CheckAt), id)
	}
	known := inv.IdentityID != uuid.Nil
	if inv.State != bridge.StatePending {
		list.add(emailsBucket, none, hash(inv.Email), []byte{endedMark}, id)
		if known {
			list.add(identitiesBucket, none, identity, []byte{endedMark}, id)
		}
		if inv.Leftover != bridge.LeftoverDue {
			list.add(endedBucket, none, timeKey(inv.UpdatedAt), id)
		}
		return list.all
	}
	list.add(emailsBucket, id, hash(inv.Email), []byte{pendingMark}, hash(inv.SchemaID))
	if known {
		list.add(identitiesBucket, id, identity, []byte{pendingMark})
	}
	if inv.Claim != nil {
		list.add(lapsingBucket, none, timeKey(inv.Claim.DueAt()), id)
	} else {
		list.add(expiringBucket, none, timeKey(inv.ExpiresAt), id)
		if !inv.RemindAt.IsZero() {
			list.add(remindingBucket, none, timeKey(inv.RemindAt), id)
		}
	}
	return list.all
}
