package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// errGroupLost means that another worker has claimed the group meanwhile.
var errGroupLost = errors.New("another worker has the group")

// finishGroup stores the invitations and results of a group, and ends its claim.
func (s *Service) finishGroup(ctx context.Context, g *claimedGroup, work []*rowWork) error {
	ctx, cancel := s.detachedContext(ctx)
	defer cancel()
	now, finished := s.now(), s.prepare(EventImportFinished)
	var before, after Import
	err := s.update(ctx, func(tx Tx) error {
		i, err := g.stored(tx)
		if err != nil {
			return err
		}
		before = i
		lost, err := s.insertInvitations(tx, work, now)
		if err != nil {
			return err
		}
		rows, left, progress, waited := results(work, lost)
		for _, row := range rows {
			i.Counts.add(row.Result)
		}
		if err := tx.PutImportRows(i.ID, rows...); err != nil {
			return err
		}
		after = i.rated(now).finishGroup(g.claim, groupEnd{left: left, waited: waited, progress: progress, hold: g.tries == 0 || g.outage, took: s.config.Monotonic() - g.since}, now)
		return s.putImport(tx, after, finished, now)
	})
	if errors.Is(err, errGroupLost) {
		return nil
	} else if err != nil {
		return err
	}
	s.logImport(before, after)
	for _, w := range work {
		s.wake(w.created)
	}
	s.wake(finished)
	return nil
}

// results returns the rows whose results are to be stored, and the number of those that
// have none. lost are invitations that could not be inserted: their rows are tried again.
func results(work []*rowWork, lost map[uuid.UUID]bool) (rows []ImportRow, left int, progress bool, waited Dependency) {
	for _, w := range work {
		switch {
		case w.stored:
			progress = true
		case w.waits != "":
			left, waited = left+1, w.waits
		case lost[w.row.InvitationID]:
			left, progress, waited = left+1, true, DependencyRequest
		default:
			rows, progress = append(rows, w.row), true
		}
	}
	return rows, left, progress, waited
}

// insertInvitations inserts the invitations of a group and queues their messages. It
// returns those that another pending invitation excludes.
func (s *Service) insertInvitations(tx Tx, work []*rowWork, now time.Time) (lost map[uuid.UUID]bool, err error) {
	var list []Invitation
	var of []*rowWork
	for _, w := range work {
		if w.inv.ID != uuid.Nil {
			list, of = append(list, s.announced(w, now)), append(of, w)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	conflicts, err := tx.InsertInvitations(list...)
	if err != nil {
		return nil, err
	}
	lost = make(map[uuid.UUID]bool, len(conflicts))
	for _, id := range conflicts {
		lost[id] = true
	}
	for n, inv := range list {
		if lost[inv.ID] {
			continue
		}
		quiet := of[n].draft.Quiet
		err := of[n].created.enqueue(tx, payload(EventTokenCreated, inv, now), inv, func(endpoint string) bool {
			return quiet && endpoint == EndpointCourier
		})
		if err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// announced returns the invitation of a row as it is when its messages are queued.
func (s *Service) announced(w *rowWork, now time.Time) Invitation {
	inv := w.inv
	if w.created.includesHooks() {
		inv.HooksNotifiedAt = now
	}
	if !w.draft.Quiet {
		inv = inv.MarkNotified(now, w.created.includesEmail())
	}
	return inv
}
