package bridge

import (
	"time"
)

// instant is one moment on two clocks. The wall clock may be set; the monotonic
// clock only advances, and stops while the machine is suspended.
type instant struct {
	wall time.Time
	run  time.Duration
}

func (a instant) add(d time.Duration) instant { return instant{a.wall.Add(d), a.run + d} }

// reached reports whether both clocks have reached b.
func (a instant) reached(b instant) bool { return !a.wall.Before(b.wall) && a.run >= b.run }

// passed reports whether at least one clock has reached b.
func (a instant) passed(b instant) bool { return !a.wall.Before(b.wall) || a.run >= b.run }

// until returns the time to b on the clock that reaches it last.
func (a instant) until(b instant) time.Duration { return max(b.wall.Sub(a.wall), b.run-a.run, 0) }

// left returns the time to b on the clock that reaches it first.
func (a instant) left(b instant) time.Duration { return min(b.wall.Sub(a.wall), b.run-a.run) }
