package main

import (
	"fmt"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// zoneCheck detects a Kratos that shows the time of state changes in its local
// time zone, as it does on PostgreSQL. Its times then do not show whether an
// identity was ever used, so none is adopted or deleted.
type zoneCheck struct {
	since   time.Time // kratos.never_used_since: older identities count as used anyway
	shifted int
	offset  time.Duration // of the last shifted identity
}

// For an unused identity, Kratos shows a state change shortly before the
// creation. Offsets of time zones are multiples of zoneStep, within these bounds.
const (
	maxCreationTime = time.Minute
	zoneStep        = 15 * time.Minute
	westernmost     = -12 * time.Hour
	easternmost     = 14 * time.Hour
)

// add counts an identity if its two times differ by the offset of a time zone.
// It considers only identities that the bridge created and that appear unchanged
// since.
func (z *zoneCheck) add(m kratos.MarkedIdentity) {
	made := m.Mark.Origin == "" || m.Mark.Origin == bridge.OriginCreated
	if !made || m.Active || !m.Mark.AcceptedAt.IsZero() || m.StateChangedAt.IsZero() || m.CreatedAt.IsZero() || m.CreatedAt.Before(z.since) {
		return
	}
	ahead := m.StateChangedAt.Sub(m.CreatedAt)
	offset := ahead.Round(zoneStep)
	if offset != 0 && ahead <= offset && ahead >= offset-maxCreationTime && offset >= westernmost && offset <= easternmost {
		z.shifted++
		z.offset = offset
	}
}

func (z *zoneCheck) finding() finding {
	side := "ahead of"
	if z.offset < 0 {
		side = "behind"
	}
	return warning(fmt.Sprintf("Kratos appears to show times in another time zone, %s %s UTC, judging by %d unaccepted identities: whether they were ever used cannot be determined",
		z.offset.Abs(), side, z.shifted), "run Kratos with TZ=UTC, then set kratos.never_used_since to the time of that change")
}
