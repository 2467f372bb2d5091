package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// GetImport returns one import.
//
// Errors: ErrImportNotFound; ErrStoreUnavailable.
func (s *Service) GetImport(ctx context.Context, id uuid.UUID) (i Import, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		i, err = tx.Import(id)
		return err
	})
	return i, importNotFound(err)
}

// Imports returns a page of imports, newest first. next is the value of before for the
// next page; zero: this is the last one.
//
// Errors: ErrStoreUnavailable.
func (s *Service) Imports(ctx context.Context, before uuid.UUID, limit int) (page []Import, next uuid.UUID, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		page, err = tx.ListImports(before, limit+1) // one more shows whether there is a next page
		return err
	})
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, err
}

// ImportRows returns rows of an import, by index, ascending; after the last there are
// none.
//
// Errors: ErrImportNotFound; ErrStoreUnavailable.
func (s *Service) ImportRows(ctx context.Context, q ImportRowQuery) (rows []ImportRow, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		if _, err = tx.Import(q.ImportID); err != nil {
			return err
		}
		rows, err = tx.ImportRows(q)
		return err
	})
	return rows, importNotFound(err)
}

// PauseImport is [Import.Pause] of a stored import.
//
// Errors: ErrImportNotFound; ErrImportEnded, ErrImportLoading; ErrStoreUnavailable.
func (s *Service) PauseImport(ctx context.Context, id uuid.UUID) (Import, error) {
	return s.changeImport(ctx, id, Import.Pause)
}

// ResumeImport is [Import.Resume] of a stored import.
//
// Errors: ErrImportNotFound; ErrImportEnded, ErrImportLoading; ErrStoreUnavailable.
func (s *Service) ResumeImport(ctx context.Context, id uuid.UUID) (Import, error) {
	return s.changeImport(ctx, id, Import.Resume)
}

// CancelImport is [Import.Cancel] of a stored import.
//
// Errors: ErrImportNotFound; ErrImportLoading; ErrStoreUnavailable.
func (s *Service) CancelImport(ctx context.Context, id uuid.UUID) (Import, error) {
	return s.changeImport(ctx, id, Import.Cancel)
}

func (s *Service) changeImport(ctx context.Context, id uuid.UUID, change func(Import, time.Time) (Import, error)) (i Import, err error) {
	now, finished := s.now(), s.prepare(EventImportFinished)
	var before Import
	err = s.update(ctx, func(tx Tx) (err error) {
		if before, err = tx.Import(id); err != nil {
			return err
		}
		if i, err = change(before, now); err != nil || i.State == before.State {
			return err
		}
		return s.putImport(tx, i, finished, now)
	})
	if err == nil {
		s.logImport(before, i)
	}
	s.wake(finished)
	s.wakeImports()
	return i, importNotFound(err)
}

func importNotFound(err error) error {
	if errors.Is(err, ErrRowNotFound) {
		return ErrImportNotFound
	}
	return err
}

// View returns the public form of an import.
func (i Import) View(now time.Time) ImportView {
	v := ImportView{
		ID: i.ID, State: i.State, DryRun: i.DryRun, CreatedBy: ByKey(i.CreatedBy), CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
		StartAt: i.StartAt, FinishedAt: i.FinishedAt, Rows: i.Rows, Waiting: i.Rows - i.Counts.Total(), Counts: i.Counts,
		WaitingFor: i.WaitingFor, WaveSize: i.WaveSize, Reinvite: i.Reinvite,
	}
	v.WaveRunning = i.WaveSize > 0 && (len(i.Groups) > 0 || i.WaveLeft > 0)
	if i.State == ImportRunning && (i.WaveSize == 0 || v.WaveRunning) {
		v.RowsPerSecond = float64(int(i.rate(now)*10)) / 10
	}
	if i.WaveSize > 0 {
		v.WaveEvery = i.WaveEvery.String()
		if i.Begun < i.Rows {
			v.NextWaveAt = i.NextWaveAt
		}
	}
	return v
}

// ViewImport returns the public form of an import at the present time. A running import
// that may begin no row until the quiet hours end waits for them.
func (s *Service) ViewImport(i Import) ImportView {
	now := s.now()
	v := i.View(now)
	if end := s.quietUntil(i, now); i.heldByQuiet(end, now) {
		v.WaitingFor = DependencyQuietHours
	}
	return v
}

// quietUntil returns the end of the quiet hours for an import; zero: it is not quiet. A
// dry run sends nothing, so that nothing is quiet for it.
func (s *Service) quietUntil(i Import, now time.Time) time.Time {
	if i.DryRun {
		return time.Time{}
	}
	end, _ := s.config.QuietHours.End(now)
	return end
}

// heldByQuiet reports whether the import could begin rows, or try rows again, before the
// quiet hours end; zero: it is not quiet.
func (i Import) heldByQuiet(quietEnd, now time.Time) bool {
	if i.State != ImportRunning || quietEnd.IsZero() {
		return false
	}
	if begin := i.beginAt(now); !begin.IsZero() && begin.Before(quietEnd) {
		return true
	}
	return slices.ContainsFunc(i.Groups, func(g RowGroup) bool { return g.Claim == uuid.Nil && g.Due.Before(quietEnd) })
}
