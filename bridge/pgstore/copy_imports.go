package pgstore

import (
	"context"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const advanceOthers = "UPDATE invitebridge.copies SET others = others + $2 WHERE source = $1 AND finished_at IS NULL"

// addOthers stores rows that are not those of invitations.
func (c *Copy) addOthers(ctx context.Context, count int, added counts, rows ...copyTable) error {
	return c.add(ctx, rows, added, func(tx pgx.Tx) (pgconn.CommandTag, error) {
		return tx.Exec(ctx, advanceOthers, argID(c.source.ID), count)
	})
}

// AddImport stores an import that follows the last one, in the order of ids.
//
// Errors: ErrNotEmpty if something else has written to the database.
func (c *Copy) AddImport(ctx context.Context, r bridge.ImportRecord) error {
	row, err := importRowOf(r.Import)
	if err != nil {
		return err
	}
	rows, queued, err := copyMessages(r.Messages)
	if err != nil {
		return err
	}
	of := copyTable{imports.name, imports.columnNames(), [][]any{imports.args(row)}}
	return c.addOthers(ctx, 1, counts{queued: queued}, append(copyTables{of}, rows...)...)
}

// AddImportRows stores rows of the last import that was added, in the order of their
// index.
//
// Errors: ErrNotEmpty if something else has written to the database.
func (c *Copy) AddImportRows(ctx context.Context, id uuid.UUID, list []bridge.ImportRow) error {
	rows, err := storedRowsOf(id, list)
	if err != nil {
		return err
	}
	of := copyTable{name: importRows.name, columns: importRows.columnNames()}
	for _, r := range rows {
		of.values = append(of.values, importRows.args(r))
	}
	return c.addOthers(ctx, len(rows), counts{}, of)
}

// AddIdempotentRequests stores records that follow the last one, in the order of their
// keys.
//
// Errors: ErrNotEmpty if something else has written to the database.
func (c *Copy) AddIdempotentRequests(ctx context.Context, list []bridge.IdempotentRequest) error {
	of := copyTable{name: "idempotency_keys", columns: []string{"digest", "body", "id", "created", "at"}}
	for i := range list {
		of.values = append(of.values, requestArgs(&list[i]))
	}
	return c.addOthers(ctx, len(list), counts{}, of)
}
