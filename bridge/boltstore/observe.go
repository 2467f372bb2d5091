package boltstore

import (
	"bytes"
	"os"
	"runtime/debug"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Option changes how a store is opened.
type Option func(*Store)

// OnCommit has observe called after each commit, with the time it took and its
// error; those of Ping are among them. Others wait for the commit to end, so
// observe must not block.
func OnCommit(observe func(took time.Duration, err error)) Option {
	return func(s *Store) { s.onCommit = observe }
}

// Size gives the size of the file in bytes. It waits for nobody.
func (s *Store) Size() (int64, error) {
	info, err := os.Stat(s.db.Path())
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Backlog implements [bridge.Tx].
func (t *tx) Backlog() (_ bridge.Backlog, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.alive(); err != nil {
		return bridge.Backlog{}, err
	}
	b := bridge.Backlog{
		Pending: t.counted(expiringBucket) + t.counted(lapsingBucket),
		Queued:  t.counted(outboxBucket),
	}
	prefix := []byte{outcomeCode(bridge.MessageQueued)}
	k, _ := t.bucket(outcomesBucket).Cursor().Seek(prefix)
	if !bytes.HasPrefix(k, prefix) {
		return b, nil
	}
	oldest, err := t.messageRow(uuid.UUID(k[len(prefix):]))
	b.Oldest = oldest.CreatedAt
	return b, err
}

func (t *tx) counted(b bucket) int {
	return int(t.bucket(b).Sequence()) //nolint:gosec // no more than there are entries
}
