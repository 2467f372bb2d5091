package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	countOthers = `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()`
	selectUnfinished = "SELECT EXISTS (SELECT FROM invitebridge.copies WHERE finished_at IS NULL)"
	insertCopy       = "INSERT INTO invitebridge.copies (source, source_version) VALUES ($1, $2) ON CONFLICT DO NOTHING"
	selectCopy       = `SELECT c.source, c.source_version, c.last_id, c.invitations, c.finished_at IS NOT NULL,
		(SELECT count(*) FROM invitebridge.invitations), c.others, (SELECT count(*) FROM invitebridge.imports) +
		(SELECT count(*) FROM invitebridge.import_rows) + (SELECT count(*) FROM invitebridge.idempotency_keys)
		FROM invitebridge.copies c FOR UPDATE OF c`
	selectLastImport = `SELECT i.id, coalesce((SELECT r.index + 1 FROM invitebridge.import_rows r
		WHERE r.import_id = i.id ORDER BY r.index DESC LIMIT 1), 0) FROM invitebridge.imports i ORDER BY i.id DESC LIMIT 1`
	selectLastRequest = "SELECT k.digest FROM invitebridge.idempotency_keys k ORDER BY k.digest DESC LIMIT 1"
	clearCopy         = "UPDATE invitebridge.copies SET source_version = $2, last_id = NULL, invitations = 0 WHERE source = $1"
	clearCounters     = "UPDATE invitebridge.counters SET pending = 0, queued = 0"
)

// Begin begins the copy of a store into an empty database, or resumes one that is
// not finished. If the store has changed since that began, what was copied is
// deleted. It returns what is copied already.
//
// Errors: ErrOthersConnected; ErrNotEmpty; ErrAlreadyCopied.
func (c *Copy) Begin(ctx context.Context, source CopySource) (at CopyPosition, err error) {
	if err := c.checkAlone(ctx); err != nil {
		return at, err
	}
	c.source = source
	changed := false
	err = c.transaction(ctx, func(tx pgx.Tx) (err error) {
		c.last, changed, err = c.resume(ctx, tx)
		return err
	})
	switch {
	case err != nil:
		return at, err
	case changed:
		return at, c.clear(ctx)
	}
	at.Invitation = c.last
	err = c.transaction(ctx, func(tx pgx.Tx) error { return at.read(ctx, tx) })
	return at, err
}

// CopyPosition is how far a copy came, by the order of ids, indexes and keys. Zero
// values: nothing of that kind is copied.
type CopyPosition struct {
	Import     uuid.UUID      // the last import
	Row        int            // of that import, the first row that may be missing
	Request    *bridge.Digest // the last idempotent request
	Invitation uuid.UUID      // the last invitation
}

// read reads all but the invitation.
func (p *CopyPosition) read(ctx context.Context, tx pgx.Tx) error {
	err := tx.QueryRow(ctx, selectLastImport).Scan((*id)(&p.Import), &p.Row)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	var digest []byte
	err = tx.QueryRow(ctx, selectLastRequest).Scan(&digest)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err == nil {
		last := bridge.Digest(digest) // the table checks the length
		p.Request = &last
	}
	return err
}

// othersEnd is how long connections that others have closed may take to end.
const othersEnd = 5 * time.Second

// checkAlone returns ErrOthersConnected if a bridge is connected. One that comes
// later is refused by Open.
func (c *Copy) checkAlone(ctx context.Context) error {
	for began := time.Now(); ; {
		var others int
		if err := c.store.pool.QueryRow(ctx, countOthers, c.program).Scan(&others); err != nil {
			return contextError(ctx, fmt.Errorf("pgstore: others: %w", hideUser(err)))
		}
		switch {
		case others == 0:
			return nil
		case time.Since(began) > othersEnd:
			return refused(ErrOthersConnected, adviceStop)
		}
		if err := pause(ctx, maxTries); err != nil {
			return err
		}
	}
}

// checkCopied returns ErrUnfinishedCopy if a copy is not finished.
func (s *Store) checkCopied(ctx context.Context) error {
	var unfinished bool
	err := s.pool.QueryRow(ctx, selectUnfinished).Scan(&unfinished)
	if err != nil {
		return fmt.Errorf("pgstore: the copy of another store: %w", err)
	}
	if unfinished {
		return refused(ErrUnfinishedCopy, adviceFinish)
	}
	return nil
}

// resume returns how far the copy came, and whether its source has changed since.
func (c *Copy) resume(ctx context.Context, tx pgx.Tx) (last uuid.UUID, changed bool, err error) {
	tag, err := tx.Exec(ctx, insertCopy, argID(c.source.ID), c.source.Version)
	if err != nil {
		return last, false, err
	}
	var source uuid.UUID
	var version, copied, found, others, foundOthers int64
	var finished bool
	err = tx.QueryRow(ctx, selectCopy).Scan((*id)(&source), &version, (*optionalID)(&last), &copied, &finished, &found, &others, &foundOthers)
	switch {
	case err != nil:
		return last, false, err
	case source == c.source.ID && finished:
		return last, false, refused(ErrAlreadyCopied, "set dsn to it; to copy the store once more, use another database")
	case source != c.source.ID || found != copied || foundOthers != others:
		return last, false, refused(ErrNotEmpty, adviceEmpty)
	case tag.RowsAffected() == 0:
		changed = version != c.source.Version && !c.source.Sealed
	}
	return last, changed, nil
}
