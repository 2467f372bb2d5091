package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	countOthers = `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()`
	selectUnfinished = "SELECT EXISTS (SELECT FROM invitebridge.copies WHERE finished_at IS NULL)"
	insertCopy       = "INSERT INTO invitebridge.copies (source, source_version) VALUES ($1, $2) ON CONFLICT DO NOTHING"
	selectCopy       = `SELECT c.source, c.source_version, c.last_id, c.invitations, c.finished_at IS NOT NULL,
		(SELECT count(*) FROM invitebridge.invitations) FROM invitebridge.copies c FOR UPDATE OF c`
	clearSome = `DELETE FROM invitebridge.invitations WHERE id IN
		(SELECT id FROM invitebridge.invitations ORDER BY id LIMIT 1000)`
	subtractCleared = "UPDATE invitebridge.copies SET invitations = invitations - $1"
	clearCopy       = "UPDATE invitebridge.copies SET source_version = $2, last_id = NULL, invitations = 0 WHERE source = $1"
	clearCounters   = "UPDATE invitebridge.counters SET pending = 0, queued = 0"
)

// Begin begins the copy of a store into an empty database, or resumes one that is
// not finished. If the store has changed since that began, what was copied is
// deleted. It returns the last invitation that is copied already.
//
// Errors: ErrOthersConnected; ErrNotEmpty; ErrAlreadyCopied.
func (c *Copy) Begin(ctx context.Context, source CopySource) (last uuid.UUID, err error) {
	if err := c.checkAlone(ctx); err != nil {
		return uuid.Nil, err
	}
	c.source = source
	changed := false
	err = c.transaction(ctx, func(tx pgx.Tx) (err error) {
		c.last, changed, err = c.resume(ctx, tx)
		return err
	})
	if err == nil && changed {
		err = c.clear(ctx)
	}
	return c.last, err
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
	var version, copied, found int64
	var finished bool
	err = tx.QueryRow(ctx, selectCopy).Scan((*id)(&source), &version, (*optionalID)(&last), &copied, &finished, &found)
	switch {
	case err != nil:
		return last, false, err
	case source == c.source.ID && finished:
		return last, false, refused(ErrAlreadyCopied, "set dsn to it; to copy the store once more, use another database")
	case source != c.source.ID || found != copied:
		return last, false, refused(ErrNotEmpty, adviceEmpty)
	case tag.RowsAffected() == 0:
		changed = version != c.source.Version && !c.source.Sealed
	}
	return last, changed, nil
}

// clear deletes what was copied. Interrupted, it is repeated by the next Begin.
func (c *Copy) clear(ctx context.Context) error {
	for more := true; more; {
		err := c.transaction(ctx, func(tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, clearSome)
			if err != nil {
				return err
			}
			if more = tag.RowsAffected() > 0; more {
				_, err = tx.Exec(ctx, subtractCleared, tag.RowsAffected())
				return err
			}
			if _, err := tx.Exec(ctx, clearCounters); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, clearCopy, argID(c.source.ID), c.source.Version)
			return err
		})
		if err != nil {
			return err
		}
	}
	c.last = uuid.Nil
	return nil
}
