package pgstore

import "time"

// Stats describes the pool of connections.
type Stats struct {
	Acquired, Idle, Max int           // connections: in use, not in use, and as many as there may be
	Waits               int64         // how often one was not available at once, since the start
	Waited              time.Duration // how long they took in total
}

// Stats returns the present state of the pool. It does not block.
func (s *Store) Stats() Stats {
	now := s.pool.Stat()
	return Stats{
		Acquired: int(now.AcquiredConns()), Idle: int(now.IdleConns()), Max: int(now.MaxConns()),
		Waits: now.EmptyAcquireCount(), Waited: now.EmptyAcquireWaitTime(),
	}
}
