package bridge

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ids makes UUIDs of version 7. Those of processes that share a clock are ordered by
// creation, as far as that clock is exact. It is safe for concurrent use.
type ids struct {
	mu   sync.Mutex
	last uint64
}

// newID returns the id of a new row. Lists, and the question which invitation is the
// newest, depend on their order.
func (s *Service) newID() uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	if s.config.Clock == nil {
		return id
	}
	return s.ids.at(id, s.now())
}

// at sets the time of an id: 48 bits of milliseconds, then the version, then 12 bits
// of a fraction, which also keep the ids of one process in order.
func (i *ids) at(id uuid.UUID, now time.Time) uuid.UUID {
	micros := uint64(now.UnixMicro())
	stamp := micros/1000<<12 | micros%1000<<12/1000
	i.mu.Lock()
	stamp = max(stamp, i.last+1)
	i.last = stamp
	i.mu.Unlock()
	binary.BigEndian.PutUint64(id[:8], stamp>>12<<16|7<<12|stamp&0xfff)
	return id
}
