package boltstore

import (
	"bytes"
	"runtime/debug"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// CountPending implements [bridge.Tx].
func (t *tx) CountPending(by bridge.Creator, limit int) (n int, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return 0, err
	}
	walk := t.descend(creatorsBucket, creatorPrefix(by, bridge.StatePending), uuid.Nil)
	for n < limit {
		if _, more := walk(); !more {
			break
		}
		n++
	}
	return n, nil
}

// PendingCreators implements [bridge.Tx]. It skips from one creator to the next.
func (t *tx) PendingCreators(kind bridge.CreatorKind, after string, limit int) (ids []string, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	pending := []byte{stateCode(bridge.StatePending)}
	at := pending
	if after != "" {
		at = pastPrefix(creatorPrefix(bridge.Creator{Kind: kind, ID: after}, bridge.StatePending))
	}
	c := t.bucket(creatorsBucket).Cursor()
	for len(ids) < limit {
		k, _ := c.Seek(at)
		if len(k) != len(pending)+hashSize+idSize || !bytes.HasPrefix(k, pending) {
			break
		}
		inv, err := t.row(uuid.UUID(k[len(pending)+hashSize:]))
		if err != nil {
			return nil, err
		}
		if inv.CreatedBy.Kind == kind {
			ids = append(ids, inv.CreatedBy.ID)
		}
		at = pastPrefix(k[:len(pending)+hashSize])
	}
	return ids, nil
}

// pastPrefix returns a key that is above all entries with a prefix, which are ids below
// it: no id consists of ones.
func pastPrefix(prefix []byte) []byte { return append(bytes.Clone(prefix), uuid.Max[:]...) }
