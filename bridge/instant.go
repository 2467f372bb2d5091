package bridge

import (
	"time"
)

// instant is one moment on three clocks. The wall clock is that of the rules and may
// be set. The monotonic clock only advances, and stops while the machine is
// suspended. The local clock is the machine's; it is the wall clock too, unless the
// store has one that all processes share. Zero in a field is before everything.
type instant struct {
	wall  time.Time
	run   time.Duration
	local time.Time
}

func (a instant) add(d time.Duration) instant {
	return instant{a.wall.Add(d), a.run + d, a.local.Add(d)}
}

// reached reports whether all clocks have reached b.
func (a instant) reached(b instant) bool {
	return !a.wall.Before(b.wall) && a.run >= b.run && !a.local.Before(b.local)
}

// passed reports whether at least one clock has reached b.
func (a instant) passed(b instant) bool {
	return !a.wall.Before(b.wall) || a.run >= b.run || !a.local.Before(b.local)
}

// until returns the time to b on the clock that reaches it last.
func (a instant) until(b instant) time.Duration {
	return max(b.wall.Sub(a.wall), b.run-a.run, b.local.Sub(a.local), 0)
}

// left returns the time to b on the clock that reaches it first.
func (a instant) left(b instant) time.Duration {
	return min(b.wall.Sub(a.wall), b.run-a.run, b.local.Sub(a.local))
}
