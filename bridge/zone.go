package bridge

import (
	"context"
	"time"
)

// zoneSamples is how many of the newest invitations are checked for the time zone
// of Kratos' responses.
const zoneSamples = 20

// compareZones detects that the identity system returns a time in another zone than
// before. PostgreSQL causes that if Kratos runs with TZ set to a local time zone.
func (s *Service) compareZones(stored *Baseline, shown Identity) {
	if stored == nil || stored.StateChangedAt.IsZero() || shown.StateChangedAt.IsZero() {
		return
	}
	sameWall := sameInstant(stored.StateChangedAt, shown.StateChangedAt)
	if sameWall && stored.StateChangedAt.Sub(shown.StateChangedAt).Abs() > time.Second+time.Millisecond {
		s.recordZoneShift()
	}
}

func (s *Service) recordZoneShift() {
	if !s.shifted.Swap(true) {
		s.warn("Kratos reports times in its local time zone as if they were UTC, so existing identities are not adopted: run Kratos with TZ=UTC, and set kratos.never_used_since to the time of that change")
	}
}

// zoneStep divides the offsets of all time zones.
const zoneStep = 15 * time.Minute

// inCreationZone returns an identity that was read just after its creation as the response
// to the creation would have shown it: if the time of its state change is local time, with
// that zone. A batch has no such responses.
func inCreationZone(i Identity) Identity {
	ahead := i.StateChangedAt.Sub(i.CreatedAt)
	offset := ahead.Round(zoneStep)
	if i.StateChangedAt.IsZero() || i.CreatedAt.IsZero() || offset == 0 || offset.Abs() > 14*time.Hour || ahead > offset || ahead < offset-maxCreationTime {
		return i
	}
	i.StateChangedAt = i.StateChangedAt.Add(-offset).In(time.FixedZone("", int(offset.Seconds())))
	return i
}

// shiftedFor reports whether the times of this identity may be local times returned
// as UTC: the responses to recent creations had another zone.
func (s *Service) shiftedFor(ctx context.Context, i Identity) bool {
	if s.shifted.Load() {
		return true
	}
	if _, offset := i.StateChangedAt.Zone(); offset != 0 {
		return false
	}
	var newest []Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		newest, err = tx.ListInvitations(InvitationQuery{Limit: zoneSamples})
		return err
	})
	for _, inv := range newest {
		if inv.Origin != OriginCreated || inv.Baseline == nil {
			continue
		}
		if _, offset := inv.Baseline.StateChangedAt.Zone(); offset != 0 {
			s.recordZoneShift()
			return true
		}
	}
	return err != nil
}
