package pgstore

import (
	"context"
	"errors"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	advanceCopy = `UPDATE invitebridge.copies SET last_id = $3, invitations = invitations + $4
		WHERE source = $1 AND last_id IS NOT DISTINCT FROM $2 AND finished_at IS NULL`
	verifyCopy = "UPDATE invitebridge.copies SET verified_at = clock_timestamp() WHERE source = $1 AND finished_at IS NULL"
	finishCopy = "UPDATE invitebridge.copies SET finished_at = clock_timestamp() WHERE source = $1 AND finished_at IS NULL"
	analyze    = `ANALYZE invitebridge.invitations, invitebridge.tokens, invitebridge.messages, invitebridge.attempts,
		invitebridge.history, invitebridge.imports, invitebridge.import_rows, invitebridge.idempotency_keys`
	// noteLatest keeps the clock of bridges from giving earlier times than the rows
	// have, see checkSchema. Times that are far ahead are wrong, and would stop it.
	noteLatest = `INSERT INTO invitebridge.outcomes (key, at) SELECT $1, max(at) FROM (
		SELECT max(updated_at) FROM invitebridge.invitations UNION ALL SELECT max(updated_at) FROM invitebridge.imports) n (at)
		HAVING max(at) BETWEEN clock_timestamp() AND clock_timestamp() + interval '1 minute'`
)

// Add stores records that follow the last one, in the order of their ids, in one
// transaction.
//
// Errors: ErrNotEmpty if something else has written to the database.
func (c *Copy) Add(ctx context.Context, list []bridge.Record) error {
	rows, added, err := copyRecords(list)
	if err != nil {
		return err
	}
	last := list[len(list)-1].Invitation.ID
	err = c.add(ctx, rows, added, func(tx pgx.Tx) (pgconn.CommandTag, error) {
		return tx.Exec(ctx, advanceCopy, argID(c.source.ID), (*optionalID)(&c.last), argID(last), len(list))
	})
	if err == nil {
		c.last = last
	}
	return err
}

// add stores rows. Advance notes that in the row of the copy.
func (c *Copy) add(ctx context.Context, rows copyTables, added counts, advance func(pgx.Tx) (pgconn.CommandTag, error)) error {
	err := c.transaction(ctx, func(tx pgx.Tx) error {
		for _, table := range rows {
			if len(table.values) == 0 {
				continue
			}
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{"invitebridge", table.name}, table.columns, pgx.CopyFromRows(table.values)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, addCounters, added.pending, added.queued); err != nil {
			return err
		}
		return c.expectOne(advance(tx))
	})
	if codeOf(err) == uniqueViolation {
		return refused(ErrNotEmpty, adviceEmpty)
	}
	return err
}

// expectOne returns an error unless the statement changed the row of the copy.
func (c *Copy) expectOne(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("another process is copying into the database, or has finished: try again")
	}
	return err
}

// Verified records that the copy is complete. When it returns nil, that and all that
// was copied is as durable as any commit.
func (c *Copy) Verified(ctx context.Context) error {
	return c.transaction(ctx, func(tx pgx.Tx) error { return c.expectOne(tx.Exec(ctx, verifyCopy, argID(c.source.ID))) })
}

// Finish lets bridges use the database.
func (c *Copy) Finish(ctx context.Context) error {
	// Without statistics the first queries could scan tables. A role that does not own
	// them cannot make any; then the server does within a minute.
	_, _ = c.store.pool.Exec(ctx, analyze)
	return c.transaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, noteLatest, argID(uuid.New())); err != nil {
			return err
		}
		return c.expectOne(tx.Exec(ctx, finishCopy, argID(c.source.ID)))
	})
}
