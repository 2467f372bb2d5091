package pgstore

import (
	"errors"
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var (
	selectImport  = importQuery("t.id = $1", "")
	selectImports = importQuery("t.id < $1", "ORDER BY t.id DESC LIMIT $2")
	selectNewest  = importQuery("true", "ORDER BY t.id DESC LIMIT $1")

	selectDueImports = importQuery("t.due_at IS NOT NULL AND t.due_at <= $1", "ORDER BY t.due_at, t.id LIMIT $2")
	// takeDueImports locks due imports that no one else has locked. It returns them as
	// they are once they are locked.
	takeDueImports = selectDueImports.sql + " FOR NO KEY UPDATE OF t SKIP LOCKED"

	updateImport = imports.update()
	putImport    = imports.insert() + " ON CONFLICT (id) DO UPDATE SET " + imports.excluded()
)

const (
	selectNextImport = "SELECT t.due_at FROM invitebridge.imports t WHERE t.due_at IS NOT NULL ORDER BY t.due_at LIMIT 1"
	deleteImport     = `DELETE FROM invitebridge.imports t WHERE t.id = $1
		AND (SELECT r.index FROM invitebridge.import_rows r WHERE r.import_id = $1 ORDER BY r.index LIMIT 1) IS NULL
		RETURNING (SELECT count(*) FROM invitebridge.messages m WHERE m.import_id = t.id AND m.state = 'queued')`
)

func importQuery(where, order string) query {
	from := fmt.Sprintf("FROM invitebridge.imports t WHERE %s %s", where, order)
	return query{
		sql:     "SELECT " + imports.names() + " " + from,
		lockIDs: "ARRAY(SELECT t.id " + from + ")",
		class:   ofImports,
	}
}

// Import implements [bridge.Tx].
func (t *tx) Import(id uuid.UUID) (bridge.Import, error) {
	r, err := t.importByID(id)
	if err != nil {
		return bridge.Import{}, err
	}
	return r.copyOf(), nil
}

// importByID reads a row, unless this transaction has locked it: then it knows it.
//
// Errors: ErrRowNotFound.
func (t *tx) importByID(id uuid.UUID) (*importRow, error) {
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	if r := t.imports[id]; r != nil {
		return r, nil
	}
	list, err := t.readImports(selectImport, []any{argID(id)}, target{known: ascend{id}})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, bridge.ErrRowNotFound
	}
	return list[0], nil
}

// ListImports implements [bridge.Tx].
func (t *tx) ListImports(before uuid.UUID, limit int) ([]bridge.Import, error) {
	q, args := selectImports, []any{argID(before), limit}
	if before == uuid.Nil {
		q, args = selectNewest, args[1:]
	}
	return copiesOf(t.readImports(q, args, target{predicate: true}))
}

// DueImports implements [bridge.Tx].
func (t *tx) DueImports(now time.Time, limit int) ([]bridge.Import, error) {
	args := []any{(*moment)(&now), limit}
	if !t.writable {
		return copiesOf(t.readImports(selectDueImports, args, target{}))
	}
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	t.claims = true
	var list []*importRow
	err := t.do(statement{sql: takeDueImports, args: args, rows: func(rows pgx.Rows) (err error) {
		list, err = imports.scan(rows, nil)
		return err
	}})
	for _, r := range list {
		t.hold(ofImports, r.ID)
		t.imports[r.ID] = r
	}
	return copiesOf(list, err)
}

// NextImportAt implements [bridge.Tx].
func (t *tx) NextImportAt() (next time.Time, err error) {
	if err := t.checkOpen(); err != nil {
		return next, err
	}
	err = t.do(statement{sql: selectNextImport, rows: func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{(*moment)(&next)}, func() error { return nil })
		return err
	}})
	return next, err
}

func copiesOf(rows []*importRow, err error) (list []bridge.Import, _ error) {
	for _, r := range rows {
		list = append(list, r.copyOf())
	}
	return list, err
}

// readImports reads imports. In an update they are locked first.
func (t *tx) readImports(q query, args []any, what target) (list []*importRow, err error) {
	err = t.read(q, args, what, func(rows pgx.Rows) (o owners, err error) {
		if list, err = imports.scan(rows, nil); err != nil {
			return o, err
		}
		for _, r := range list {
			o[ofImports] = o[ofImports].with(r.ID)
		}
		return o, nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if t.writable {
			t.imports[r.ID] = r
		}
	}
	return list, nil
}

// PutImport implements [bridge.Tx].
func (t *tx) PutImport(i bridge.Import) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	r, err := importRowOf(i)
	if err != nil {
		return err
	}
	if t.imports[i.ID] != nil {
		t.write(updateImport, imports.args(r)...)
	} else {
		t.wanted[ofImports] = t.wanted[ofImports].with(i.ID)
		t.queue = append(t.queue, t.lock(query{lockIDs: byIDs, class: ofImports}, ascend{i.ID}))
		t.write(putImport, imports.args(r)...)
	}
	t.imports[i.ID] = r
	return nil
}

// DeleteImport implements [bridge.Tx].
func (t *tx) DeleteImport(id uuid.UUID) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	if _, err := t.importByID(id); err != nil {
		return err
	}
	deleted, queued := false, 0
	err := t.do(statement{sql: deleteImport, args: []any{argID(id)}, rows: func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&queued}, func() error {
			deleted = true
			return nil
		})
		return err
	}})
	switch {
	case err != nil:
		return err
	case !deleted:
		return errors.New("pgstore: the import to be deleted has rows")
	}
	t.wrote = true
	t.delta.queued -= queued
	delete(t.imports, id)
	for mid, m := range t.known {
		if m.ImportID == id {
			delete(t.known, mid)
		}
	}
	return nil
}
