package bridge

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

const (
	// maxGroups bounds the groups that are begun at once, those that wait for a dependency
	// included.
	maxGroups = 32
	// maxHeldGroups bounds the groups in which a row still waits after maxBatchTries: it
	// may wait for long, while the rows after it proceed.
	maxHeldGroups = 256
	groupLease    = 3 * time.Minute

	minHold = time.Second
	maxHold = 5 * time.Minute
	// dryRunRetention is how long the result of a dry run is kept.
	dryRunRetention = 24 * time.Hour
)

// Start makes a loaded import running.
func (i Import) Start(now time.Time) Import {
	i.State, i.Loader, i.UpdatedAt = ImportRunning, uuid.Nil, now
	i.NextWaveAt = later(now, i.StartAt)
	if i.WaveSize == 0 {
		i.NextWaveAt = time.Time{}
	}
	return i.settle(now)
}

// checkOpen returns nil if the import is running or paused.
//
// Errors: ErrImportEnded, also if it is being canceled; ErrImportLoading.
func (i Import) checkOpen() error {
	switch {
	case i.State == ImportLoading:
		return ErrImportLoading
	case i.State == ImportCanceling || i.ended():
		return ErrImportEnded
	}
	return nil
}

// Pause stops a running import: no further row is begun. A paused one is returned
// unchanged.
//
// Errors: ErrImportEnded, ErrImportLoading.
func (i Import) Pause(now time.Time) (Import, error) {
	if err := i.checkOpen(); err != nil || i.State == ImportPaused {
		return i, err
	}
	i.State, i.UpdatedAt = ImportPaused, now
	return i.settle(now), nil
}

// Resume continues a paused import. A wave whose time has passed begins now, and later
// ones follow from now on: those that were missed are not caught up. A running import is
// returned unchanged.
//
// Errors: ErrImportEnded, ErrImportLoading.
func (i Import) Resume(now time.Time) (Import, error) {
	if err := i.checkOpen(); err != nil || i.State == ImportRunning {
		return i, err
	}
	i.State, i.UpdatedAt, i.RateSince = ImportRunning, now, time.Time{}
	return i.settle(now), nil
}

// Cancel ends an import: what a worker is processing finishes, all other rows never get a
// result. An ended one is returned unchanged.
//
// Errors: ErrImportLoading.
func (i Import) Cancel(now time.Time) (Import, error) {
	switch i.State {
	case ImportLoading:
		return i, ErrImportLoading
	case ImportCanceling, ImportFinished, ImportCanceled:
		return i, nil
	case ImportRunning, ImportPaused:
	}
	i.State, i.UpdatedAt = ImportCanceling, now
	i.Groups = slices.DeleteFunc(slices.Clone(i.Groups), func(g RowGroup) bool { return g.Claim == uuid.Nil })
	return i.settle(now), nil
}

// settle ends an import that has nothing left to do, and computes DueAt. purge is set by
// the service.
func (i Import) settle(now time.Time) Import {
	switch {
	case (i.State == ImportRunning || i.State == ImportPaused) && i.Begun == i.Rows && len(i.Groups) == 0:
		i.State, i.FinishedAt, i.UpdatedAt = ImportFinished, now, now
	case i.State == ImportCanceling && len(i.Groups) == 0:
		i.State, i.FinishedAt, i.UpdatedAt = ImportCanceled, now, now
	}
	i.DueAt = i.nextAt(now)
	if i.ended() {
		i.WaitingFor, i.HeldUntil, i.Pauses, i.NextWaveAt, i.WaveLeft = "", time.Time{}, 0, time.Time{}, 0
	}
	return i
}

func (i Import) ended() bool { return i.State == ImportFinished || i.State == ImportCanceled }

// nextAt returns when a worker is next needed; zero: unless another request changes the
// import, none is. An ended import gets the time of its purge from the service.
func (i Import) nextAt(now time.Time) (next time.Time) {
	if i.State != ImportRunning && i.State != ImportCanceling {
		return time.Time{}
	}
	for _, g := range i.Groups {
		if at := g.NextAt(); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if begin := i.beginAt(now); !begin.IsZero() && (next.IsZero() || begin.Before(next)) {
		next = begin
	}
	return next
}

// beginAt returns when the next group may be begun, unless it is quiet then; zero: not
// before something else changes.
func (i Import) beginAt(now time.Time) time.Time {
	if i.State != ImportRunning || i.Begun == i.Rows || i.full() {
		return time.Time{}
	}
	at := later(later(now, i.StartAt), i.HeldUntil)
	if i.WaveSize > 0 && i.WaveLeft == 0 {
		at = later(at, i.NextWaveAt)
	}
	return at
}

// full reports whether no further group may be begun.
func (i Import) full() bool {
	held := i.held()
	return held >= maxHeldGroups || len(i.Groups)-held >= maxGroups
}

// held returns the number of groups in which a row still waits after maxBatchTries.
func (i Import) held() (n int) {
	for _, g := range i.Groups {
		if g.Tries > maxBatchTries {
			n++
		}
	}
	return n
}

// claimGroup claims the group that needs a worker: one that was begun before, or the next
// rows. run is the process that gets the claim; size is the most rows of a new group.
// quietUntil is the end of the quiet hours; zero: it is not quiet. It returns false if
// there is none; the import then has the time of the next one. A group of a canceled
// import whose worker has ended is given up.
func (i Import) claimGroup(claim, run uuid.UUID, size int, now, quietUntil time.Time) (Import, RowGroup, bool) {
	i.Groups = slices.Clone(i.Groups)
	if i.State == ImportCanceling {
		i.Groups = slices.DeleteFunc(i.Groups, func(g RowGroup) bool { return !g.NextAt().After(now) })
		return i.settle(now), RowGroup{}, false
	}
	if !quietUntil.IsZero() && i.State == ImportRunning {
		i.DueAt = quietUntil
		return i, RowGroup{}, false
	}
	for n := range i.Groups {
		g := &i.Groups[n]
		if i.State == ImportRunning && !g.NextAt().After(now) {
			if g.Claim != uuid.Nil { // its worker has ended
				g.Tries++
			}
			g.Claim, g.Until, g.Run = claim, now.Add(groupLease), run
			claimed := *g
			return i.settle(now), claimed, true
		}
	}
	if begin := i.beginAt(now); begin.IsZero() || begin.After(now) {
		return i.settle(now), RowGroup{}, false
	}
	if i.WaveSize > 0 && (i.WaveLeft == 0 || !i.NextWaveAt.After(now)) { // what is left of an interrupted wave is part of the next
		i.WaveLeft, i.NextWaveAt = i.WaveSize, now.Add(i.WaveEvery)
	}
	g := RowGroup{First: i.Begun, Count: min(size, i.Rows-i.Begun), Claim: claim, Until: now.Add(groupLease), Run: run, Due: now}
	if i.WaveSize > 0 {
		g.Count = min(g.Count, i.WaveLeft)
		i.WaveLeft -= g.Count
	}
	i.Begun += g.Count
	i.Groups = append(i.Groups, g)
	if i.RateSince.IsZero() {
		i.RateSince, i.RateRows = now, i.Counts.Total()
	}
	return i.settle(now), g, true
}

// cutGroup gives back the last rows of a group that was just begun.
func (i Import) cutGroup(claim uuid.UUID, count int, now time.Time) Import {
	i.Groups = slices.Clone(i.Groups)
	g := &i.Groups[slices.IndexFunc(i.Groups, func(g RowGroup) bool { return g.Claim == claim })]
	i.Begun -= g.Count - count
	if i.WaveSize > 0 {
		i.WaveLeft += g.Count - count
	}
	g.Count = count
	return i.settle(now)
}

// holds reports whether a claim is the current one of a group.
func (i Import) holds(claim uuid.UUID) bool {
	return slices.ContainsFunc(i.Groups, func(g RowGroup) bool { return g.Claim == claim })
}

// takeOver ends the claims of all processes but run, and abandons an import that another
// one was loading. changed is false if there was nothing of the kind.
func (i Import) takeOver(run uuid.UUID, now time.Time) (_ Import, changed bool) {
	if i.ended() {
		return i, false
	}
	if i.State == ImportLoading {
		if i.Loader == run || i.Loader == uuid.Nil {
			return i, false
		}
		i.Loader, i.DueAt = uuid.Nil, now
		return i, true
	}
	i.Groups = slices.Clone(i.Groups)
	for n := range i.Groups {
		if g := &i.Groups[n]; g.Claim != uuid.Nil && g.Run != run {
			g.Claim, g.Until, g.Run, g.Due = uuid.Nil, time.Time{}, uuid.Nil, now
			g.Tries++
			changed = true
		}
	}
	if !changed {
		return i, false
	}
	return i.settle(now), true
}

// groupEnd is how a claim ended.
type groupEnd struct {
	left     int        // rows of the group without a result
	waited   Dependency // for which they waited
	progress bool       // another row got a result
	hold     bool       // if there was no progress, the import as a whole is to wait
	took     time.Duration
}

// finishGroup ends a claim. Rows of a canceled import that have no result never get one.
func (i Import) finishGroup(claim uuid.UUID, end groupEnd, now time.Time) Import {
	i.Groups = slices.Clone(i.Groups)
	n := slices.IndexFunc(i.Groups, func(g RowGroup) bool { return g.Claim == claim })
	i.WaitingFor, i.UpdatedAt = "", now
	if end.progress || end.left == 0 {
		i.Pauses, i.HeldUntil = 0, time.Time{}
	}
	if end.left == 0 || i.State == ImportCanceling {
		i.Groups = slices.Delete(i.Groups, n, n+1)
		return i.settle(now)
	}
	g := &i.Groups[n]
	g.Claim, g.Until, g.Run = uuid.Nil, time.Time{}, uuid.Nil
	pause := min(minHold<<min(g.Tries, 20), maxHold)
	if g.Tries++; g.Tries > maxBatchTries { // slow ones must not take the time of workers from the other rows
		pause = max(pause, time.Duration(2*i.held())*end.took)
	}
	g.Due = now.Add(pause)
	if !end.progress {
		i.WaitingFor = end.waited
	}
	if !end.progress && end.hold {
		i.HeldUntil = now.Add(min(minHold<<min(i.Pauses, 20), maxHold))
		i.Pauses++
	}
	return i.settle(now)
}

// rated returns the import with the period of its speed moved on: it is at least 10 s
// and at most 20 s long.
func (i Import) rated(now time.Time) Import {
	const period = 10 * time.Second
	if since := now.Sub(i.RateSince); since >= 2*period {
		i.RateRows = i.Counts.Total() - int(i.rate(now)*period.Seconds())
		i.RateSince = now.Add(-period)
	}
	return i
}

// rate returns the rows per second that got a result, lately.
func (i Import) rate(now time.Time) float64 {
	since := now.Sub(i.RateSince)
	if i.RateSince.IsZero() || since <= 0 {
		return 0
	}
	return float64(i.Counts.Total()-i.RateRows) / since.Seconds()
}
