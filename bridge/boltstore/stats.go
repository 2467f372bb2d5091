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

// OnCommit calls observe after each commit, including those of Ping, with its
// duration and its error. The callers of the commit wait for observe, so it must
// not block.
func OnCommit(observe func(took time.Duration, err error)) Option {
	return func(s *Store) { s.onCommit = observe }
}

// Size returns the size of the file in bytes, and how many of them are free. It
// waits for no transaction.
func (s *Store) Size() (size, free int64, err error) {
	info, err := os.Stat(s.db.Path())
	if err != nil {
		return 0, 0, err
	}
	stats := s.db.Stats() // its FreeAlloc is zero until the first commit
	return info.Size(), int64(stats.FreePageN+stats.PendingPageN) * pageSize, nil
}

// Backlog implements [bridge.Tx].
func (t *tx) Backlog() (_ bridge.Backlog, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return bridge.Backlog{}, err
	}
	b := bridge.Backlog{
		Pending: t.counted(expiringBucket) + t.counted(lapsingBucket),
		Queued:  t.counted(outboxBucket),
	}
	prefix := []byte{messageStateCode(bridge.MessageQueued)}
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
