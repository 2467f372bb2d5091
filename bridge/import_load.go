package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
)

// ImportRequest is the request for an import. Empty fields take defaults.
type ImportRequest struct {
	CreatedBy string          // the name of the API key
	DryRun    bool            // judge the rows, write nothing in the identity system, call no hook
	Defaults  json.RawMessage // see [Import].Defaults
	Columns   []string        // see [Import].Columns
	Separator string          // see [Import].Separator
	Reinvite  []State         // StateRevoked, StateExpired: invite such addresses again
	WaveSize  int             // with WaveEvery; zero: no waves
	WaveEvery time.Duration
	StartAt   time.Time
	// Allow returns the error of what the caller may not do. A row for which it returns one
	// fails. Nil: everything is allowed.
	Allow func(InviteRequest) error
	// Idempotent makes a repetition of the request get the first response; zero: it does
	// not. Content returns the digest of the request's content; it is called when all rows
	// are read.
	Idempotent Digest
	Content    func() Digest
}

// FileRow is a row of an uploaded file: see [ImportRow].
type FileRow struct {
	Line int
	Body json.RawMessage
	Err  error // why no invite can be made from the row, which fails with it; nil: one can
}

// Bounds of an import, and of what is stored at once.
const (
	chunkRows  = 500
	chunkBytes = 1 << 20
	chunkTime  = 10 * time.Second // a slow upload still stores its rows

	// maxRowBytes bounds a row, as the API bounds the body of an invite, so that a group of
	// rows takes little memory.
	maxRowBytes = 64 << 10

	loadingLease = 2 * time.Minute
	maxWaveSize  = 1_000_000
	minWaveEvery = time.Minute
	maxWaveEvery = 366 * 24 * time.Hour
)

// Import stores the rows that next returns until io.EOF, and starts the import. Rows
// that no invite could be made from fail at once; the others are begun by RunImports. If
// next fails, nothing is kept, and its error is returned. created is false if the
// request is a repetition, see [ImportRequest].Idempotent.
//
// Errors: ErrBadRequest, ErrExpiresInInvalid and other errors of Invite about the
// defaults, and those of Allow; ErrImportInvalid if there are no rows; ErrIdempotencyKeyReused;
// ErrStoreUnavailable.
func (s *Service) Import(ctx context.Context, r ImportRequest, next func() (FileRow, error)) (_ Import, created bool, err error) {
	if err := s.checkImport(ctx, r); err != nil {
		return Import{}, false, err
	}
	now := s.now()
	l := &loader{service: s, allow: r.Allow, imp: Import{
		ID: s.newID(), State: ImportLoading, DryRun: r.DryRun, CreatedBy: r.CreatedBy, CreatedAt: now, UpdatedAt: now,
		Loader: s.run, StartAt: r.StartAt, Defaults: r.Defaults, Columns: r.Columns, Separator: r.Separator, Reinvite: r.Reinvite,
		WaveSize: r.WaveSize, WaveEvery: r.WaveEvery, DueAt: now.Add(loadingLease),
	}}
	if err := s.update(ctx, func(tx Tx) error { return tx.PutImport(l.imp) }); err != nil {
		return Import{}, false, err
	}
	i, created, err := l.load(ctx, r, next)
	if err != nil || !created {
		l.abandon(ctx)
	}
	return i, created, err
}

// loader stores the rows of one import.
type loader struct {
	service *Service
	allow   func(InviteRequest) error
	imp     Import // as stored
	chunk   []ImportRow
	bytes   int
	since   time.Duration // when the chunk was begun, on the monotonic clock
}

func (l *loader) load(ctx context.Context, r ImportRequest, next func() (FileRow, error)) (Import, bool, error) {
	clock := l.service.config.Monotonic
	l.since = clock()
	for {
		row, err := next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Import{}, false, err
		}
		l.chunk = append(l.chunk, l.service.newRow(l.imp, l.allow, len(l.chunk)+l.imp.Rows, row))
		l.bytes += len(row.Body)
		if len(l.chunk) == chunkRows || l.bytes >= chunkBytes || clock()-l.since > chunkTime {
			if err := l.store(ctx); err != nil {
				return Import{}, false, err
			}
		}
	}
	if err := l.store(ctx); err != nil {
		return Import{}, false, err
	}
	if l.imp.Rows == 0 {
		return Import{}, false, ErrImportInvalid.WithReasonf("The file has no rows.")
	}
	return l.start(ctx, r)
}

// store stores the chunk. Rows whose key an earlier row has become duplicates.
func (l *loader) store(ctx context.Context) error {
	if len(l.chunk) == 0 {
		return nil
	}
	now, after := l.service.now(), l.imp
	err := l.service.update(ctx, func(tx Tx) error {
		current, err := tx.Import(l.imp.ID)
		if errors.Is(err, ErrRowNotFound) || err == nil && (current.Loader != l.imp.Loader || current.Rows != l.imp.Rows) {
			return errUploadTooSlow
		} else if err != nil {
			return err
		}
		rows, err := l.withoutDuplicates(tx)
		if err != nil {
			return err
		}
		after = current
		after.Rows, after.UpdatedAt, after.DueAt = current.Rows+len(rows), now, now.Add(loadingLease)
		for _, row := range rows {
			after.Counts.add(row.Result)
		}
		if err := tx.PutImportRows(after.ID, rows...); err != nil {
			return err
		}
		return tx.PutImport(after)
	})
	if err != nil {
		return err
	}
	l.imp, l.chunk, l.bytes, l.since = after, l.chunk[:0], 0, l.service.config.Monotonic()
	return nil
}

var errUploadTooSlow = ErrImportInvalid.WithReasonf("The upload made no progress for %s, and nothing of it was kept. Send the file again.", loadingLease)

func (l *loader) withoutDuplicates(tx Tx) ([]ImportRow, error) {
	keys := make([]string, 0, len(l.chunk))
	for _, row := range l.chunk {
		if row.Key != "" {
			keys = append(keys, row.Key)
		}
	}
	lines, err := tx.FirstLines(l.imp.ID, keys...)
	if err != nil {
		return nil, err
	}
	rows := make([]ImportRow, len(l.chunk))
	seen := make(map[string]int, len(l.chunk))
	for n, row := range l.chunk {
		line, found := lines[row.Key]
		if !found {
			line, found = seen[row.Key]
		}
		if row.Key != "" && found {
			row.Key, row.Result, row.DuplicateOf = "", ResultDuplicate, line
		} else if row.Key != "" {
			seen[row.Key] = row.Line
		}
		rows[n] = row
	}
	return rows, nil
}

// start makes the import running, or finds that the request is a repetition.
func (l *loader) start(ctx context.Context, r ImportRequest) (i Import, created bool, err error) {
	s := l.service
	now := s.now()
	var record IdempotentRequest
	if r.Idempotent != (Digest{}) {
		record = IdempotentRequest{Key: r.Idempotent, Body: r.Content(), ID: l.imp.ID, Created: true, At: now}
	}
	finished := s.prepare(EventImportFinished)
	var loaded Import
	err = s.update(ctx, func(tx Tx) (err error) {
		i, created = Import{}, false
		if record.Key != (Digest{}) {
			first, err := repetition(tx, record, now)
			if err == nil {
				i, err = tx.Import(first.ID)
			}
			if !errors.Is(err, ErrRowNotFound) {
				return err
			}
			if err := tx.PutIdempotentRequest(record); err != nil {
				return err
			}
		}
		i, err = tx.Import(l.imp.ID)
		if errors.Is(err, ErrRowNotFound) || err == nil && i.Loader != l.imp.Loader {
			return errUploadTooSlow
		} else if err != nil {
			return err
		}
		loaded = i
		i, created = i.Start(now), true
		return s.putImport(tx, i, finished, now)
	})
	if err != nil {
		return Import{}, false, err
	}
	if created {
		s.logImport(loaded, i)
	}
	s.wake(finished)
	s.wakeImports()
	return i, created, nil
}

// abandon leaves what was stored to the workers, which delete it.
func (l *loader) abandon(ctx context.Context) {
	ctx, cancel := l.service.detachedContext(ctx)
	defer cancel()
	now := l.service.now()
	err := l.service.update(ctx, func(tx Tx) error {
		i, err := tx.Import(l.imp.ID)
		if errors.Is(err, ErrRowNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if i.State != ImportLoading {
			return nil
		}
		i.Loader, i.DueAt = uuid.Nil, now
		return tx.PutImport(i)
	})
	if err != nil {
		l.service.warn("an upload was not cleaned up and is deleted later", "import_id", l.imp.ID.String(), "cause", fmt.Sprint(err))
	}
	l.service.wakeImports()
}
