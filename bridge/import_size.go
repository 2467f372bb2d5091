package bridge

import (
	"context"
	"sync/atomic"
	"time"
)

// maxGroupSize is the largest group, in rows.
const maxGroupSize = 500

// groupSize is the size of new groups, in rows. It doubles while the identity system
// creates them fast, and is halved when it is slow.
type groupSize struct {
	smallest   int
	fast, slow time.Duration // of one group
	rows       atomic.Int64
}

// adapt changes the size by how long a group of so many rows took.
func (g *groupSize) adapt(rows int, took time.Duration) {
	size := int(g.rows.Load())
	switch {
	case took > g.slow:
		size = max(size/2, g.smallest)
	case took < g.fast && rows >= size:
		size = min(size*2, maxGroupSize)
	}
	g.rows.Store(int64(size))
}

// groupSizes are the sizes with and without other work. While invites come, groups are
// small, because an invite may have to wait for the end of one: Kratos on SQLite creates
// identities one after the other.
type groupSizes struct {
	alone, beside groupSize
	turn          chan struct{} // holds one value while a group beside invites is processed
}

func (g *groupSizes) init() {
	g.alone.smallest, g.alone.fast, g.alone.slow = 1, time.Second, 2*time.Second
	g.alone.rows.Store(50)
	g.beside.smallest, g.beside.fast, g.beside.slow = 5, 10*time.Millisecond, 20*time.Millisecond
	g.beside.rows.Store(5)
	g.turn = make(chan struct{}, 1)
}

// While invites come, one group at a time is processed, and the next one begins after a
// rest of twice as long, so that most invites meet none.
const (
	restFactor = 2
	maxRest    = time.Second
)

// takeTurn waits until a group may begin, and returns its size. The caller calls end
// after the group.
func (s *Service) takeTurn(ctx context.Context) (size *groupSize, end func()) {
	if !s.interactive.expected(s.config.Monotonic()) {
		return &s.sizes.alone, func() {}
	}
	size = &s.sizes.beside
	select {
	case s.sizes.turn <- struct{}{}:
	case <-ctx.Done():
		return size, func() {}
	}
	s.waitForInvites(ctx)
	start := s.config.Monotonic()
	return size, func() {
		waitFor(ctx, nil, min(restFactor*(s.config.Monotonic()-start), maxRest))
		<-s.sizes.turn
	}
}
