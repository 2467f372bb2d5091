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
func (i *Import) Begin(ctx context.Context, source ImportSource) (last uuid.UUID, err error) {
	if err := i.checkAlone(ctx); err != nil {
		return uuid.Nil, err
	}
	i.source = source
	changed := false
	err = i.transaction(ctx, func(tx pgx.Tx) (err error) {
		i.last, changed, err = i.resume(ctx, tx)
		return err
	})
	if err == nil && changed {
		err = i.clear(ctx)
	}
	return i.last, err
}

// othersEnd is how long connections that others have closed may take to end.
const othersEnd = 5 * time.Second

// checkAlone returns ErrOthersConnected if a bridge is connected. One that comes
// later is refused by Open.
func (i *Import) checkAlone(ctx context.Context) error {
	for began := time.Now(); ; {
		var others int
		if err := i.store.pool.QueryRow(ctx, countOthers, i.program).Scan(&others); err != nil {
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
func (i *Import) resume(ctx context.Context, tx pgx.Tx) (last uuid.UUID, changed bool, err error) {
	tag, err := tx.Exec(ctx, insertCopy, argID(i.source.ID), i.source.Version)
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
	case source == i.source.ID && finished:
		return last, false, refused(ErrAlreadyCopied, "set dsn to it; to copy the store once more, use another database")
	case source != i.source.ID || found != copied:
		return last, false, refused(ErrNotEmpty, adviceEmpty)
	case tag.RowsAffected() == 0:
		changed = version != i.source.Version && !i.source.Sealed
	}
	return last, changed, nil
}

// clear deletes what was copied. Interrupted, it is repeated by the next Begin.
func (i *Import) clear(ctx context.Context) error {
	for more := true; more; {
		err := i.transaction(ctx, func(tx pgx.Tx) error {
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
			_, err = tx.Exec(ctx, clearCopy, argID(i.source.ID), i.source.Version)
			return err
		})
		if err != nil {
			return err
		}
	}
	i.last = uuid.Nil
	return nil
}
