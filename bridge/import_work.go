package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// purgeRows bounds the rows that one transaction deletes.
const purgeRows = 2000

// claimedGroup is a group of rows that this process may process until its lease ends.
type claimedGroup struct {
	imp   Import
	claim uuid.UUID
	since time.Duration // before the claim, on the monotonic clock
	at    time.Time     // the same on the clock of the rules
	tries int
	rows  []ImportRow // those without a result
	// outage: the identity system does not respond at all.
	outage bool
}

// RunImports does one step of the imports: it processes one group of rows, or deletes
// what is no longer needed. next is when to call it again; zero: after the next wake-up,
// see [Config].WakeImports. After an error, call it again after a pause. Several
// goroutines and processes may call it at the same time.
//
// Errors: ErrStoreUnavailable.
func (s *Service) RunImports(ctx context.Context) (next time.Time, err error) {
	if err := s.takeOverImports(ctx); err != nil {
		return time.Time{}, err
	}
	now := s.now()
	if next, err = s.nextImportAt(ctx); err != nil || next.IsZero() || next.After(now) {
		return next, err
	}
	size, end := s.takeTurn(ctx)
	defer end()
	group, purge, err := s.claimImport(ctx, int(size.rows.Load()))
	switch {
	case err != nil:
		return time.Time{}, err
	case purge != uuid.Nil:
		if err := s.purgeImport(ctx, purge); err != nil {
			return time.Time{}, err
		}
	case group != nil:
		if err := s.processGroup(ctx, group); err != nil {
			return time.Time{}, err
		}
		size.adapt(len(group.rows), s.config.Monotonic()-group.since)
	}
	next, err = s.nextImportAt(ctx)
	if group == nil && purge == uuid.Nil && !next.IsZero() && !next.After(now) { // another process is using it
		next = now.Add(skipPause)
	}
	return next, err
}

func (s *Service) nextImportAt(ctx context.Context) (next time.Time, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		next, err = tx.NextImportAt()
		return err
	})
	return next, err
}

// claimImport claims a group of the import that has been due for the longest time, or
// returns one that is to be deleted.
func (s *Service) claimImport(ctx context.Context, size int) (group *claimedGroup, purge uuid.UUID, err error) {
	since, claim, now := s.config.Monotonic(), uuid.New(), s.now()
	ids := make([]uuid.UUID, maxGroupSize)
	for n := range ids {
		ids[n] = s.newID()
	}
	finished := s.prepare(EventImportFinished)
	var before, changed Import
	err = s.update(ctx, func(tx Tx) error {
		group, purge, before, changed = nil, uuid.Nil, Import{}, Import{}
		due, err := tx.DueImports(now, 1)
		if err != nil || len(due) == 0 {
			return err
		}
		i := due[0]
		if i.ended() || i.State == ImportLoading {
			purge = i.ID
			return nil
		}
		after, g, ok := i.claimGroup(claim, s.run, size, now, s.quietUntil(i, now))
		if ok {
			group = &claimedGroup{imp: after, claim: g.Claim, since: since, at: now, tries: g.Tries}
			after, err = group.read(tx, g, ids, now)
		}
		if err != nil {
			return err
		}
		before, changed = i, after
		return s.putImport(tx, after, finished, now)
	})
	if err == nil {
		s.logImport(before, changed)
		s.logQuiet(before, changed)
	}
	s.wake(finished)
	return group, purge, err
}

// read reads the rows of a group that have no result, and gives them the ids of their
// invitations, unless they have some from an earlier claim. If a new group has more than
// maxGroupBytes, the rest of it is given back. It returns the import as it is then.
func (group *claimedGroup) read(tx Tx, g RowGroup, ids []uuid.UUID, now time.Time) (Import, error) {
	i := group.imp
	rows, err := tx.ImportRows(ImportRowQuery{ImportID: i.ID, From: g.First, Limit: g.Count})
	if err != nil {
		return i, err
	}
	if fit := fitting(rows); g.Tries == 0 && fit < len(rows) {
		rows, i = rows[:fit], i.cutGroup(g.Claim, fit, now)
	}
	rows = slices.DeleteFunc(rows, func(r ImportRow) bool { return r.Result != "" })
	var named []ImportRow
	for n := range rows {
		if rows[n].InvitationID == uuid.Nil {
			rows[n].InvitationID = ids[n]
			named = append(named, rows[n])
		}
	}
	if len(named) > 0 {
		err = tx.PutImportRows(i.ID, named...)
	}
	group.imp, group.rows = i, rows
	return i, err
}

// maxGroupBytes bounds the bodies of a group, and so the memory that it takes.
const maxGroupBytes = 2 << 20

// fitting returns how many of the rows, at least one, make a group.
func fitting(rows []ImportRow) int {
	size := 0
	for n := range rows {
		if size += len(rows[n].Body); size > maxGroupBytes && n > 0 {
			return n
		}
	}
	return len(rows)
}

// putImport stores an import, with the time of its purge and the event if it has ended.
func (s *Service) putImport(tx Tx, i Import, finished notification, now time.Time) error {
	if !i.ended() {
		return tx.PutImport(i)
	}
	retention := s.config.Retention
	if i.DryRun {
		retention = dryRunRetention
	}
	i.DueAt = i.FinishedAt.Add(retention)
	if err := tx.PutImport(i); err != nil || i.DryRun {
		return err
	}
	view := i.View(now)
	p := Payload{Type: EventImportFinished, Timestamp: now, Data: PayloadData{Import: &view}}
	return finished.enqueueAbout(tx, i.ID, p, nil)
}

// purgeImport deletes an import whose upload failed, or that is past its retention.
func (s *Service) purgeImport(ctx context.Context, id uuid.UUID) error {
	for ctx.Err() == nil {
		done, now := false, s.now()
		err := s.update(ctx, func(tx Tx) error {
			i, err := tx.Import(id)
			done = errors.Is(err, ErrRowNotFound) || err == nil && (!i.ended() && i.State != ImportLoading || i.DueAt.After(now))
			if err != nil || done {
				return ignoreNotFound(err)
			}
			if i.Loader != uuid.Nil { // its upload must not go on
				i.Loader = uuid.Nil
				if err := tx.PutImport(i); err != nil {
					return err
				}
			}
			n, err := tx.DeleteImportRows(id, purgeRows)
			if err != nil || n == purgeRows {
				return err
			}
			done = true
			return tx.DeleteImport(id)
		})
		if err != nil || done {
			return err
		}
	}
	return ctx.Err()
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrRowNotFound) {
		return nil
	}
	return err
}

func (s *Service) wakeImports() {
	if s.config.WakeImports != nil {
		s.config.WakeImports()
	}
}
