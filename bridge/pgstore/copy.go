package pgstore

import (
	"context"
	"errors"
	"fmt"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Copy is a migrated database into which a store of another kind is copied. Until
// the copy is finished, [Open] refuses the database. It is for one goroutine.
type Copy struct {
	store   *Store
	program string // the name that bridges have in pg_stat_activity
	source  CopySource
	last    uuid.UUID // the last invitation that was copied
}

// CopySource identifies a store that is copied.
type CopySource struct {
	ID      uuid.UUID // the same for all copies of the store
	Version int64     // differs after each change of it
	Sealed  bool      // it cannot have changed since a copy of it was verified
}

// copyName distinguishes the connections of a copy from those of bridges.
const copyName = " store copy"

// OpenCopy connects to a database as [Open] does. The caller closes the Copy.
//
// Errors: those of [Open] without ErrUnfinishedCopy.
func OpenCopy(ctx context.Context, dsn string) (*Copy, error) {
	config, words, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	c := &Copy{program: config.ConnConfig.RuntimeParams["application_name"]}
	config.ConnConfig.RuntimeParams["application_name"] = c.program + copyName
	c.store, err = connectPool(ctx, config, words, nil)
	return c, err
}

// Close closes the connections.
func (c *Copy) Close() error { return c.store.Close() }

// View reads the database as [Store.View] does.
func (c *Copy) View(ctx context.Context, fn func(bridge.Tx) error) error {
	return c.store.View(ctx, fn)
}

// transaction runs fn in a transaction. After an error of the commit, the next Begin
// sees whether it took effect.
func (c *Copy) transaction(ctx context.Context, fn func(pgx.Tx) error) error {
	conn, err := c.store.pool.Acquire(ctx)
	if err != nil {
		return contextError(ctx, connectError(err))
	}
	defer conn.Release()
	warned := watchWarnings(conn.Conn())
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		first := c.store.limits
		if commitsLow(conn.Conn()) {
			first = append(first[:len(first):len(first)], statement{sql: raiseCommit})
		}
		for _, s := range first {
			if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
				return err
			}
		}
		return fn(tx)
	})
	switch {
	case err == nil && warned():
		return errors.New("pgstore: copy: the server warned during the commit, which may not have been replicated")
	case err == nil, errors.Is(err, ErrNotEmpty), errors.Is(err, ErrAlreadyCopied):
		return err
	}
	return contextError(ctx, fmt.Errorf("pgstore: copy: %w", err))
}
