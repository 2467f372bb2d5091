package pgstore

import (
	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	selectRows   = "SELECT " + importRows.names() + " FROM invitebridge.import_rows t WHERE t.import_id = $1 AND t.index >= $2"
	orderRows    = " ORDER BY t.index LIMIT $3"
	selectAll    = selectRows + orderRows
	selectResult = selectRows + " AND t.result = $4 AND t.result <> ''" + orderRows
	putRows      = importRows.insertMany() + " ON CONFLICT (import_id, index) DO UPDATE SET " + importRows.excluded()
)

const (
	// selectLines looks up one key after the other: the rows of an import that is being
	// loaded are in no statistics, and the planner would read them all for each group.
	selectLines = `SELECT k.key, t.line FROM unnest($2::text[]) k (key) CROSS JOIN LATERAL (
		SELECT r.line FROM invitebridge.import_rows r WHERE r.import_id = $1 AND r.key = k.key AND r.key <> '' LIMIT 1) t`
	deleteRows = `DELETE FROM invitebridge.import_rows t WHERE t.import_id = $1 AND t.index = ANY (ARRAY(
		SELECT r.index FROM invitebridge.import_rows r WHERE r.import_id = $1 ORDER BY r.index LIMIT $2))`
)

// ofImport sends a statement about the rows of an import. In an update, the import is
// locked first.
func (t *tx) ofImport(id uuid.UUID, s statement) error {
	if err := t.checkOpen(); err != nil {
		return err
	}
	if !t.writable || t.imports[id] != nil || t.held[ofImports].has(id) {
		return t.do(s)
	}
	t.wanted[ofImports] = t.wanted[ofImports].with(id)
	return t.do(t.lock(query{lockIDs: byIDs, class: ofImports}, ascend{id}), s)
}

// ImportRows implements [bridge.Tx].
func (t *tx) ImportRows(q bridge.ImportRowQuery) (list []bridge.ImportRow, err error) {
	sql, args := selectAll, []any{argID(q.ImportID), q.From, q.Limit}
	if q.Result != "" {
		sql, args = selectResult, append(args, argText(string(q.Result)))
	}
	err = t.ofImport(q.ImportID, statement{sql: sql, args: args, rows: func(rows pgx.Rows) error {
		found, err := importRows.scan(rows, nil)
		for _, r := range found {
			list = append(list, r.ImportRow)
		}
		return err
	}})
	return list, err
}

// PutImportRows implements [bridge.Tx].
func (t *tx) PutImportRows(id uuid.UUID, rows ...bridge.ImportRow) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	list, err := storedRowsOf(id, rows)
	if err != nil {
		return err
	}
	if _, err := t.importByID(id); err != nil || len(list) == 0 {
		return err
	}
	t.write(putRows, importRows.arrays(list)...)
	return nil
}

// FirstLines implements [bridge.Tx].
func (t *tx) FirstLines(id uuid.UUID, keys ...string) (map[string]int, error) {
	lines := make(map[string]int)
	wanted := texts(keys)
	err := t.ofImport(id, statement{sql: selectLines, args: []any{argID(id), &wanted}, rows: func(rows pgx.Rows) error {
		var key string
		var line int
		_, err := pgx.ForEachRow(rows, []any{(*text)(&key), &line}, func() error {
			lines[key] = line
			return nil
		})
		return err
	}})
	return lines, err
}

// DeleteImportRows implements [bridge.Tx].
func (t *tx) DeleteImportRows(id uuid.UUID, limit int) (n int, err error) {
	if err := t.mayWrite(); err != nil {
		return 0, err
	}
	err = t.ofImport(id, statement{sql: deleteRows, args: []any{argID(id), limit}, tag: func(tag pgconn.CommandTag) error {
		n = int(tag.RowsAffected())
		return nil
	}})
	t.wrote = t.wrote || n > 0
	return n, err
}
