package boltstore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// convert brings a store to the present format, in one transaction. The format is
// raised with what a change brings, and not left as it is, because a version that
// does not keep that must not write the file any more.
//
// Format 1 had no counts. Format 2 had no index of identities and none of those to
// look at, had names that look like links, and noted that an outcome was unknown
// without the time.
func convert(db *bbolt.DB, h Header) (Header, error) {
	if h.Format == format {
		return h, nil
	}
	from := h.Format
	h.Format = format
	value, err := json.Marshal(h)
	if err == nil {
		err = guard(db.Path(), func() error {
			return db.Update(func(btx *bbolt.Tx) error {
				for _, step := range []struct {
					format int
					run    func(*bbolt.Tx) error
				}{{2, countAll}, {3, indexIdentities}} {
					if from >= step.format {
						continue
					}
					if err := step.run(btx); err != nil {
						return err
					}
				}
				return headerBucket.in(btx).Put(headerKey, value)
			})
		})
	}
	if err != nil {
		return h, fmt.Errorf("boltstore: the store file %s could not be converted to format %d, and is as it was: %w", db.Path(), format, err)
	}
	return h, nil
}

// indexIdentities makes the indexes that came with format 3. A row is written anew
// only where it changes; the new entries are written in the order of their keys,
// so that a large store takes seconds and little memory.
func indexIdentities(btx *bbolt.Tx) error {
	if err := makeBuckets(btx, 2); err != nil {
		return err
	}
	t := &tx{bolt: btx, writable: true}
	changed, err := t.outdated(time.Now().UTC().Truncate(time.Microsecond))
	if err != nil {
		return err
	}
	for _, inv := range changed {
		if err := t.rewrite(inv); err != nil {
			return err
		}
	}
	var added []entry
	err = t.eachInvitation(func(inv bridge.Invitation, _ []byte) error {
		for _, e := range entries(inv) {
			if layout[e.bucket].since > 2 {
				added = append(added, e)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(added, func(a, b entry) int { return cmp.Or(cmp.Compare(a.bucket, b.bucket), bytes.Compare(a.key, b.key)) })
	for _, e := range added {
		t.put(e.bucket, e.key, e.value)
	}
	return errors.Join(t.broken, t.renameInviters())
}

// outdated gives the invitations that change: those with a name that looks like a
// link, those whose outcome was unknown, and of several that are pending for one
// identity all but one, which earlier formats did not keep apart: the newest stays,
// and one that has run out gives way to one that has not. Ids rise with time, and so does the walk.
func (t *tx) outdated(now time.Time) (map[uuid.UUID]bridge.Invitation, error) {
	changed := make(map[uuid.UUID]bridge.Invitation)
	kept := make(map[uuid.UUID]bridge.Invitation) // the pending one of each identity
	var others []bridge.Invitation
	err := t.eachInvitation(func(inv bridge.Invitation, value []byte) error {
		var old struct {
			Doubt bool `json:"doubt"`
		}
		if err := json.Unmarshal(value, &old); err != nil {
			return err
		}
		filtered := bridge.InviterName(inv.InviterName, nil)
		doubted := old.Doubt && inv.State != bridge.StateAccepted
		if doubted {
			inv.DoubtUntil, inv.LookAt = now.Add(10*time.Minute), now
		}
		if filtered != inv.InviterName || doubted {
			inv.InviterName = filtered
			changed[inv.ID] = inv
		}
		if inv.State == bridge.StatePending && inv.IdentityID != uuid.Nil {
			other, taken := kept[inv.IdentityID]
			if taken && inv.Due(now) && !other.Due(now) {
				inv, other = other, inv
			}
			if kept[inv.IdentityID] = inv; taken {
				others = append(others, other)
			}
		}
		return nil
	})
	for _, inv := range others {
		if inv.Claim != nil { // it may have been accepted
			inv.DoubtUntil, inv.LookAt = now.Add(10*time.Minute), now
		}
		changed[inv.ID] = inv.Expire(now).Close(bridge.ReasonInUse, now)
	}
	return changed, err
}

// rewrite writes a row and the entries that earlier formats had.
func (t *tx) rewrite(inv bridge.Invitation) error {
	before, err := t.row(inv.ID)
	if err != nil {
		return err
	}
	value, err := t.encode(inv)
	if err != nil {
		return err
	}
	later := func(e entry) bool { return layout[e.bucket].since > 2 }
	t.reindex(slices.DeleteFunc(entries(before), later), slices.DeleteFunc(entries(inv), later))
	t.put(invitationsBucket, inv.ID[:], value)
	return t.broken
}

// eachInvitation walks all rows, which do must not change.
func (t *tx) eachInvitation(do func(inv bridge.Invitation, value []byte) error) error {
	c := t.bucket(invitationsBucket).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(k) != idSize {
			continue // a token, or a fence
		}
		inv, err := t.decodeInvitation(uuid.UUID(k), v)
		if err == nil {
			err = do(inv, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// renameInviters filters the names in the payloads that wait to be delivered.
func (t *tx) renameInviters() error {
	var ids []uuid.UUID
	c := t.bucket(messagesBucket).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if len(k) == idSize {
			ids = append(ids, uuid.UUID(k))
		}
	}
	for _, id := range ids {
		m, err := t.Message(id)
		if err != nil {
			return err
		}
		name := &m.Payload.Data.Invitation.InviterName
		filtered := bridge.InviterName(*name, nil)
		if filtered == *name {
			continue
		}
		*name = filtered
		if err := t.PutMessage(m); err != nil {
			return err
		}
	}
	return nil
}

// countAll walks the buckets that are counted, and notes how many entries each has.
func countAll(tx *bbolt.Tx) error {
	for b, l := range layout {
		if !l.counted {
			continue
		}
		var n uint64
		c := bucket(b).in(tx).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			n++
		}
		if err := bucket(b).in(tx).SetSequence(n); err != nil {
			return err
		}
	}
	return nil
}
