package pgstore

import (
	"testing"
	"time"
)

// TestClock: responses bound the server's time; one that contradicts the earlier ones
// shows that the server has another clock.
func TestClock(t *testing.T) {
	base := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &Store{clock: clock{start: time.Now(), every: measureEvery}}
	c := &s.clock
	// server is what a server shows that is ahead of base; the request took so long.
	server := func(ahead, took time.Duration) {
		now := c.run()
		c.note(base.Add(now-took/2+ahead), now-took)
	}
	// is checks that Now is that of a server.
	is := func(what string, ahead, accuracy time.Duration) {
		t.Helper()
		before := base.Add(c.run() + ahead)
		got := s.Now()
		if got.Before(before.Add(-accuracy)) || got.After(base.Add(c.run()+ahead+accuracy)) {
			t.Errorf("%s: the time is %s, want %s", what, got, before)
		}
	}
	server(0, 4*time.Second)
	is("a slow response", 0, 2*time.Second)
	server(0, time.Millisecond)
	is("a fast one", 0, time.Millisecond)
	server(0, 8*time.Second)
	is("another slow one", 0, time.Millisecond)
	if c.stepped != 0 {
		t.Error("the clock was set, although no response contradicts another")
	}

	server(30*time.Second, time.Millisecond)
	is("set forward", 30*time.Second, time.Millisecond)
	if c.stepped == 0 || s.Steady() > c.run()-c.stepped+time.Second {
		t.Errorf("steady for %s", s.Steady())
	}
	latest, stepped := s.Now(), c.stepped
	server(-30*time.Second, time.Millisecond)
	if now := s.Now(); now.Before(latest) || now.After(latest.Add(time.Minute)) {
		t.Errorf("set back: from %s to %s", latest, now)
	}
	if c.stepped != stepped {
		t.Error("set back counts as set forward")
	}
}

// TestNow: the time is that of the server, and no earlier than the newest commit.
func TestNow(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	conn := connect(t, dsn)
	var before, after time.Time
	read := func(to *time.Time) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(to); err != nil {
			t.Fatal(err)
		}
	}
	read(&before)
	now := s.Now()
	read(&after)
	// The bounds of the clock are as wide as the fastest response was slow.
	accuracy := s.clock.high - s.clock.low
	if now.Before(before.Add(-accuracy)) || now.After(after.Add(accuracy)) {
		t.Errorf("got %s, want from %s to %s, accurate to %s", now, before, after, accuracy)
	}

	// After a failover the server may be behind what this process has seen before.
	future := after.Truncate(time.Microsecond)
	for what, call := range map[string]func(){
		"commit": func() { put(t, s, sample(1)) },
		"ping": func() {
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		},
	} {
		future = future.Add(time.Hour)
		s.clock.notBefore(future)
		call()
		if now := open(t, dsn).Now(); !now.Equal(future) {
			t.Errorf("after a %s at %s it is %s", what, future, now)
		}
	}
}
