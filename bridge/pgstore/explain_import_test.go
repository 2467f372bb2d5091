package pgstore

import (
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// fillImports adds 10,000 imports and 20,000 idempotency keys. The first import has
// 100,000 rows and a tenth of the invitations.
func fillImports(t *testing.T, s *Store, dsn string, first uuid.UUID) {
	t.Helper()
	i := importOf(1)
	i.ID = first
	update(t, s, func(tx bridge.Tx) error { return tx.PutImport(i) })
	execute(t, dsn, copies(imports, map[string]string{"id": "gen_random_uuid()", "due_at": "CASE WHEN n < 5 THEN t.created_at END"}))
	for range 3 {
		execute(t, dsn, strings.Replace(copies(imports, map[string]string{"id": "gen_random_uuid()", "due_at": "NULL"}), "generate_series(2, 20)", "generate_series(1, 7)", 1))
	}
	const rows = `INSERT INTO invitebridge.import_rows (import_id, index, line, body, key, result, invitation_id, duplicate_of, error_id, reason)
		SELECT $1, n, n + 2, '{"email":"a@example.com"}', 'invitee-' || n || '@example.com',
			CASE WHEN n % 100 = 0 THEN 'failed' WHEN n % 2 = 0 THEN 'invited' ELSE '' END, NULL, 0, '', '' FROM generate_series(0, 99999) n`
	if _, err := s.pool.Exec(t.Context(), rows, argID(first)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), "UPDATE invitebridge.invitations SET import_id = $1 WHERE abs(hashtext(email)) % 10 = 3", argID(first)); err != nil {
		t.Fatal(err)
	}
	execute(t, dsn, `INSERT INTO invitebridge.messages (id, endpoint, import_id, state, payload, created_at, updated_at, due_at, since, tries)
		SELECT gen_random_uuid(), 'endpoint-1', id, 'queued', '{}', created_at, created_at, created_at, created_at, 0
		FROM invitebridge.imports LIMIT 100`)
	execute(t, dsn, `INSERT INTO invitebridge.idempotency_keys (digest, body, id, created, at)
		SELECT sha256(n::text::bytea), sha256(''), gen_random_uuid(), true, now() - n * interval '4 s' FROM generate_series(1, 20000) n`)
}

// explainImports is TestIndexes for imports.
func explainImports(t *testing.T, s *Store, i bridge.Import, now time.Time) {
	t.Helper()
	row, err := importRowOf(i)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := storedRowsOf(i.ID, rowsOf(0, groupSize))
	if err != nil {
		t.Fatal(err)
	}
	var keys texts
	invited := make([]*invitationRow, groupSize)
	for n, r := range stored {
		keys = append(keys, r.Key)
		invited[n] = &invitationRow{Invitation: invitationOf(i, n)}
	}
	before, at, limit := uuid.Max, (*moment)(&now), 50
	request := bridge.IdempotentRequest{}
	for name, c := range map[string]struct {
		q     query
		args  []any
		pages bool
	}{
		"import":          {selectImport, []any{argID(i.ID)}, false},
		"imports":         {selectImports, []any{argID(before), limit}, true},
		"newest":          {selectNewest, []any{limit}, true},
		"due":             {selectDueImports, []any{at, limit}, false},
		"take due":        {query{sql: takeDueImports}, []any{at, limit}, false},
		"next":            {query{sql: selectNextImport}, nil, false},
		"update":          {query{sql: updateImport}, imports.args(row), false},
		"put":             {query{sql: putImport}, imports.args(row), false},
		"delete":          {query{sql: deleteImport}, []any{argID(i.ID)}, false},
		"rows":            {query{sql: selectAll}, []any{argID(i.ID), 5000, limit}, false},
		"result":          {query{sql: selectResult}, []any{argID(i.ID), 5000, limit, argText("failed")}, false},
		"lines":           {query{sql: selectLines}, []any{argID(i.ID), &keys}, false},
		"put rows":        {query{sql: putRows}, importRows.arrays(stored), false},
		"delete rows":     {query{sql: deleteRows}, []any{argID(i.ID), 500}, false},
		"due of imports":  {query{sql: lockDueOfImports}, []any{argText("endpoint-1"), at, limit}, false},
		"of emails":       {query{sql: selectOfEmails}, []any{&keys}, false},
		"insert":          {query{sql: insertInvitations}, invitations.arrays(invited), false},
		"request":         {query{sql: selectRequest}, []any{request.Key[:]}, false},
		"put request":     {query{sql: putRequest}, requestArgs(&request), false},
		"delete requests": {query{sql: deleteRequests}, []any{at, limit}, false},
	} {
		explain(t, s, name, c.q, c.args, c.pages)
	}
	explain(t, s, "new messages", query{sql: insertMessages}, messages.arrays([]*messageRow{{payload: "{}"}}), false)
	// Another index would read all rows of the import, or all due messages.
	for sql, want := range map[string]struct {
		args  []any
		index string
	}{
		selectAll:        {[]any{argID(i.ID), 5000, limit}, "import_rows_pkey"},
		selectResult:     {[]any{argID(i.ID), 5000, limit, argText("failed")}, "import_rows_result"},
		selectLines:      {[]any{argID(i.ID), &keys}, "import_rows_key"},
		lockDueOfImports: {[]any{argText("endpoint-1"), at, limit}, "messages_import_queue"},
		takeDueImports:   {[]any{at, limit}, "imports_due"},
	} {
		if plan := planOf(t, s, sql, want.args); !strings.Contains(plan, want.index) {
			t.Errorf("%s: it does not read %s:\n%s", sql, want.index, plan)
		}
	}
}
