package bridge

import (
	"context"
	"time"
)

// zoneWitnesses is how many of the newest invitations are asked for the zone in
// which Kratos answers.
const zoneWitnesses = 20

// compareZones notices that the identity system gives a time back in another
// zone than it had said: PostgreSQL does, where Kratos runs with a TZ of its own.
func (s *Service) compareZones(stored *Baseline, shown Identity) {
	if stored == nil || stored.StateChangedAt.IsZero() || shown.StateChangedAt.IsZero() {
		return
	}
	sameWall := sameInstant(stored.StateChangedAt, shown.StateChangedAt)
	if sameWall && stored.StateChangedAt.Sub(shown.StateChangedAt).Abs() > time.Second+time.Millisecond {
		s.noteShift()
	}
}

func (s *Service) noteShift() {
	if !s.shifted.Swap(true) {
		s.warn("Kratos shows times in a time zone of its own, so identities that exist are not adopted: run Kratos with TZ=UTC, and set kratos.never_used_since to the time of that change")
	}
}

// shiftedFor says whether times of this identity are shown in UTC, while new
// identities were answered with the zone they are in.
func (s *Service) shiftedFor(ctx context.Context, i Identity) bool {
	if s.shifted.Load() {
		return true
	}
	if _, offset := i.StateChangedAt.Zone(); offset != 0 {
		return false
	}
	var newest []Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		newest, err = tx.ListInvitations(Query{Limit: zoneWitnesses})
		return err
	})
	for _, inv := range newest {
		if inv.Origin != OriginCreated || inv.Baseline == nil {
			continue
		}
		if _, offset := inv.Baseline.StateChangedAt.Zone(); offset != 0 {
			s.noteShift()
			return true
		}
	}
	return err != nil
}
