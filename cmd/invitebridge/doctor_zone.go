package main

import (
	"fmt"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// zoneCheck notices a Kratos that shows the time of a change of the state in a
// time zone of its own, as one on PostgreSQL does. Nobody can tell there whether
// an identity was ever used, so none is adopted or deleted.
type zoneCheck struct {
	since   time.Time // kratos.never_used_since: what is older counts as used anyway
	shifted int
	offset  time.Duration // of the last one
}

// Kratos shows an unused identity to have got its state shortly before it was
// created. Offsets of time zones are multiples of zoneStep, within these bounds.
const (
	longestCreation = time.Minute
	zoneStep        = 15 * time.Minute
	westernmost     = -12 * time.Hour
	easternmost     = 14 * time.Hour
)

// look notes an identity whose times lie apart as two time zones do. It was
// created by the bridge, and is what it was, as far as can be told.
func (z *zoneCheck) look(m kratos.Marked) {
	made := m.Mark.Origin == "" || m.Mark.Origin == bridge.OriginCreated
	if !made || m.Active || !m.Mark.AcceptedAt.IsZero() || m.StateChangedAt.IsZero() || m.CreatedAt.IsZero() || m.CreatedAt.Before(z.since) {
		return
	}
	ahead := m.StateChangedAt.Sub(m.CreatedAt)
	offset := ahead.Round(zoneStep)
	if offset != 0 && ahead <= offset && ahead >= offset-longestCreation && offset >= westernmost && offset <= easternmost {
		z.shifted++
		z.offset = offset
	}
}

func (z *zoneCheck) finding() finding {
	side := "ahead of"
	if z.offset < 0 {
		side = "behind"
	}
	return warning(fmt.Sprintf("Kratos shows times in another time zone, %s %s UTC: so it seems by %d unaccepted identities, and it cannot be told whether they were ever used",
		z.offset.Abs(), side, z.shifted), "run Kratos with TZ=UTC, then set kratos.never_used_since to the time of that change")
}
