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

// migrate converts a store to the current format, in one transaction. The format
// is raised together with the change, so that a version that does not maintain
// the new data can no longer write the file.
//
// Format 1 had no counts. Format 2 had no indexes of identities and of
// invitations to check, allowed inviter names that look like links, and recorded
// an unknown outcome without its time. Format 3 had no imports, no idempotent requests
// and no reminders. Format 4 had no creators, no methods and no history.
func migrate(db *bbolt.DB, h Header) (Header, error) {
	if h.Format == format {
		return h, nil
	}
	from := h.Format
	h.Format = format
	value, err := h.encode()
	if err == nil {
		err = guard(db.Path(), func() error {
			return db.Update(func(btx *bbolt.Tx) error {
				for _, step := range []struct {
					format int
					run    func(*bbolt.Tx) error
				}{{2, countAll}, {3, indexIdentities}, {4, addImports}, {5, indexOrigins}} {
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
		return h, fmt.Errorf("boltstore: the store file %s could not be converted to format %d and is unchanged: %w", db.Path(), format, err)
	}
	return h, nil
}

// indexIdentities builds the indexes of format 3. It rewrites only the rows that
// change, and writes the new entries in key order, so that a large store takes
// seconds and little memory.
func indexIdentities(btx *bbolt.Tx) error {
	if err := makeBuckets(btx, 3, 3); err != nil {
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
	return errors.Join(t.addEntries(3), t.broken, t.filterInviterNames())
}

// addEntries writes the entries in the buckets of a format, in the order of their keys.
func (t *tx) addEntries(format int) error {
	var added []entry
	err := t.eachInvitation(func(inv bridge.Invitation, _ []byte) error {
		for _, e := range entries(inv) {
			if layout[e.bucket].since == format {
				added = append(added, e)
			}
		}
		return nil
	})
	slices.SortFunc(added, func(a, b entry) int { return cmp.Or(cmp.Compare(a.bucket, b.bucket), bytes.Compare(a.key, b.key)) })
	for _, e := range added {
		t.put(e.bucket, e.key, e.value)
	}
	return err
}

// outdated returns the invitations that change: those with an inviter name that
// looks like a link; those with an unknown outcome; and all but one of several
// that are pending for one identity, which earlier formats allowed. The newest
// stays, but an expired one gives way to one that has not expired. The walk goes
// from old to new, since ids rise with time.
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
		unresolved := old.Doubt && inv.State != bridge.StateAccepted
		if unresolved {
			inv.UnresolvedUntil, inv.CheckAt = now.Add(10*time.Minute), now
		}
		if filtered != inv.InviterName || unresolved {
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
			inv.UnresolvedUntil, inv.CheckAt = now.Add(10*time.Minute), now
		}
		changed[inv.ID] = inv.Expire(now).Invalidate(bridge.ReasonInUse, now)
	}
	return changed, err
}

// rewrite writes a row and those of its entries that earlier formats had.
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

// eachInvitation calls do for every invitation; do must not write.
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

// filterInviterNames removes inviter names that look like links from the payloads
// of all messages.
func (t *tx) filterInviterNames() error {
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

// addImports creates the buckets of format 4, for which earlier formats have no rows.
func addImports(btx *bbolt.Tx) error { return makeBuckets(btx, 4, 4) }

// indexOrigins creates the buckets of format 5, and builds the index of origins: what
// the others are about, earlier formats do not know.
func indexOrigins(btx *bbolt.Tx) error {
	if err := makeBuckets(btx, 5, 5); err != nil {
		return err
	}
	t := &tx{bolt: btx, writable: true}
	return errors.Join(t.addEntries(5), t.broken)
}

// countAll counts the entries of every counted bucket and stores the number.
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
