package pgstore

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// clock is the clock of the database server, as far as it can be known here. A
// response that contains the server's time proves bounds: that time was read after
// the request was sent and before the response came. Bounds that have nothing in
// common with the earlier ones show that the server has another clock now, because it
// was set, or because this is another server.
//
// Between measurements it runs with the monotonic clock of this machine, whose wall
// clock does not matter. It is safe for concurrent use.
type clock struct {
	start time.Time     // of the monotonic clock
	every time.Duration // how often it is measured

	mu        sync.Mutex
	low, high time.Duration // bounds of the server's time, less the monotonic clock; since 1970
	measured  time.Duration // by the monotonic clock: when; 0: never
	stepped   time.Duration // when it was last set forward; 0: never
	given     time.Time     // the latest time that was returned
}

const (
	measureEvery = 30 * time.Second
	// maxDrift is how much two clocks may differ in speed: parts of 1,000,000.
	maxDrift = 200
)

func (c *clock) run() time.Duration { return time.Since(c.start) }

// due reports whether it is time for another measurement.
func (c *clock) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.measured == 0 || c.run()-c.measured >= c.every
}

// note takes a measurement: the server's time, and when it was asked for.
func (c *clock) note(server time.Time, asked time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.run()
	at := time.Duration(server.UnixNano())
	low, high := at-now, at-asked
	drift := (now - c.measured) / 1_000_000 * maxDrift
	switch {
	case c.measured == 0:
	case low <= c.high+drift && high >= c.low-drift:
		low, high = max(low, c.low-drift), min(high, c.high+drift)
	case low > c.high:
		c.stepped = now
	}
	c.low, c.high, c.measured = low, high, max(now, 1)
}

// notBefore makes the clock give no earlier time.
func (c *clock) notBefore(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.given) {
		c.given = t
	}
}

// statement measures the clock with the batch that it belongs to.
func (c *clock) statement() statement {
	asked := c.run()
	return statement{sql: "SELECT clock_timestamp()", rows: func(rows pgx.Rows) error {
		var server time.Time
		_, err := pgx.ForEachRow(rows, []any{&server}, func() error {
			c.note(server, asked)
			return nil
		})
		return err
	}}
}

// Now returns the time of the database server, which all processes share: within a
// few milliseconds, and never an earlier time than before. It asks no one.
func (s *Store) Now() time.Time {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Unix(0, int64((c.low+c.high)/2+c.run())).UTC()
	if now.Before(c.given) {
		return c.given
	}
	c.given = now
	return now
}

// Steady returns how long Now has run without being set forward: since the server, or
// its clock, has changed.
func (s *Store) Steady() time.Duration {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.run() - c.stepped
}

// measure notes the time of a server on a new connection: after a failover, that is
// before anything else is done there.
func (c *clock) measure(ctx context.Context, conn *pgx.Conn) error {
	for range 2 { // the first has prepared the statement
		asked := c.run()
		var server time.Time
		if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&server); err != nil {
			return err
		}
		c.note(server, asked)
	}
	return nil
}
