package kratostest

import "time"

// minTick is the shortest time between two writes of the fake. It keeps changes
// of the state distinguishable on every database except MySQL, regardless of
// the clock.
const minTick = 10 * time.Microsecond

// now returns the time of a write.
func (f *Fake) now() time.Time {
	f.clock.Lock()
	defer f.clock.Unlock()
	now := f.options.Now()
	if least := f.latest.Add(minTick); now.Before(least) {
		now = least
	}
	f.latest = now
	return now
}

// local returns a time in Kratos' time zone, as responses to writes show
// state_changed_at.
func (o FakeOptions) local(t time.Time) time.Time {
	if o.Zone != nil {
		return t.In(o.Zone)
	}
	return t.UTC()
}

// stored returns state_changed_at as read back from the database. PostgreSQL
// stores only the wall clock time without its zone; when read it is interpreted
// as UTC.
func (o FakeOptions) stored(t time.Time) time.Time {
	if o.Zone != nil {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	}
	return o.cut(t.UTC())
}

// written returns created_at or updated_at as stored in the database.
func (o FakeOptions) written(now time.Time) time.Time {
	return o.cut(now.UTC().Truncate(time.Microsecond))
}

// cut reduces a time to the database's precision. MySQL rounds, PostgreSQL
// truncates.
func (o FakeOptions) cut(t time.Time) time.Time {
	switch {
	case t.IsZero():
		return t
	case o.Precision >= time.Second:
		return t.Round(o.Precision)
	case o.Precision > 0:
		return t.Truncate(o.Precision)
	}
	return t
}

// begin sets the times of a new identity. Kratos sets the time of the state
// when it reads the request, and the creation time when it stores the identity.
func (i *fakeIdentity) begin(o FakeOptions, now time.Time) {
	spread := time.Duration(i.ID[0])<<8 | time.Duration(i.ID[1])
	early := time.Millisecond + spread*61 // up to 5 ms
	i.CreatedAt = now.UTC().Truncate(time.Microsecond)
	if !o.NoStateChangedAt {
		i.setStateChangedAt(o, now.Add(-early))
	}
}

func (i *fakeIdentity) setStateChangedAt(o FakeOptions, t time.Time) {
	i.answered = o.local(t)
	i.StateChangedAt = o.stored(i.answered)
}

// setState reports whether the state is valid. An unchanged state keeps its
// time.
func (i *fakeIdentity) setState(o FakeOptions, state string, now time.Time) bool {
	if state == i.State {
		return true
	}
	if !validState(state) {
		return false
	}
	i.State = state
	i.setStateChangedAt(o, now)
	return true
}

func validState(state string) bool { return state == stateActive || state == stateInactive }
