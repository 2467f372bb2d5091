package kratostest

import "time"

// leap is the least time between two writes of the fake. It tells one change of
// the state from the next on any database but MySQL, whatever the clock does.
const leap = 10 * time.Microsecond

// now gives the time of a write.
func (f *Fake) now() time.Time {
	f.clock.Lock()
	defer f.clock.Unlock()
	now := f.options.Now()
	if least := f.latest.Add(leap); now.Before(least) {
		now = least
	}
	f.latest = now
	return now
}

// local gives a time in the zone that Kratos runs in: what answers to writes
// say of the state.
func (o FakeOptions) local(t time.Time) time.Time {
	if o.Zone != nil {
		return t.In(o.Zone)
	}
	return t.UTC()
}

// stored gives what the database keeps of state_changed_at. PostgreSQL has no
// zone there, and keeps the wall clock: read again, that is taken for UTC.
func (o FakeOptions) stored(t time.Time) time.Time {
	if o.Zone != nil {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	}
	return o.cut(t.UTC())
}

// written gives what the database keeps of created_at and updated_at.
func (o FakeOptions) written(now time.Time) time.Time {
	return o.cut(now.UTC().Truncate(time.Microsecond))
}

// cut drops what the database has no room for. MySQL rounds, PostgreSQL does
// not.
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

// begin sets the times of a new identity. Kratos takes that of the state when it
// reads the request, and that of the creation when it stores the identity.
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

// setState says whether the state is one. A state that stays keeps its time.
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
