package pgstore

import (
	"context"
	"fmt"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// What is compared after a copy: see copy_read.go.
var (
	selectNextImports      = "SELECT " + imports.names() + " FROM invitebridge.imports t WHERE t.id > $1 ORDER BY t.id LIMIT $2"
	selectMessagesOfImport = "SELECT " + messageNames + " FROM invitebridge.messages t WHERE t.import_id = ANY ($1) ORDER BY t.id"
)

const selectNextRequests = `SELECT k.digest, k.body, k.id, k.created, k.at FROM invitebridge.idempotency_keys k
	WHERE k.digest > $1 ORDER BY k.digest LIMIT $2`

// Imports returns at most limit imports that follow an id, in the order of their ids.
func (c *Copy) Imports(ctx context.Context, after uuid.UUID, limit int) (list []bridge.ImportRecord, err error) {
	rows, err := c.store.pool.Query(ctx, selectNextImports, argID(after), limit)
	if err != nil {
		return nil, readError(ctx, "imports", err)
	}
	found, err := imports.scan(rows, nil)
	at, ids := make(map[uuid.UUID]int), make([]uuid.UUID, len(found))
	for n, r := range found {
		at[r.ID], ids[n] = n, r.ID
		list = append(list, bridge.ImportRecord{Import: r.copyOf()})
	}
	if err != nil {
		return nil, readError(ctx, "imports", err)
	}
	messages, err := c.store.messagesOf(ctx, selectMessagesOfImport, ids)
	for _, m := range messages {
		of := &list[at[m.ImportID]]
		of.Messages = append(of.Messages, m)
	}
	return list, readError(ctx, "messages of imports", err)
}

// ImportRows returns at most limit rows of an import with an index of at least from, in
// the order of their index.
func (c *Copy) ImportRows(ctx context.Context, id uuid.UUID, from, limit int) (list []bridge.ImportRow, err error) {
	rows, err := c.store.pool.Query(ctx, selectAll, argID(id), from, limit)
	if err != nil {
		return nil, readError(ctx, "rows of imports", err)
	}
	found, err := importRows.scan(rows, nil)
	for _, r := range found {
		list = append(list, r.ImportRow)
	}
	return list, readError(ctx, "rows of imports", err)
}

// IdempotentRequests returns at most limit records that follow a key, in the order of
// their keys; nil: from the first.
func (c *Copy) IdempotentRequests(ctx context.Context, after *bridge.Digest, limit int) (list []bridge.IdempotentRequest, err error) {
	var key []byte // before all keys
	if after != nil {
		key = after[:]
	}
	rows, err := c.store.pool.Query(ctx, selectNextRequests, append([]byte{}, key...), limit)
	if err != nil {
		return nil, readError(ctx, "idempotency keys", err)
	}
	var digest, body []byte
	var r bridge.IdempotentRequest
	_, err = pgx.ForEachRow(rows, []any{&digest, &body, (*id)(&r.ID), &r.Created, (*moment)(&r.At)}, func() error {
		r.Key, r.Body = bridge.Digest(digest), bridge.Digest(body) // the table checks the lengths
		list = append(list, r)
		return nil
	})
	return list, readError(ctx, "idempotency keys", err)
}

// readError describes an error; nil stays nil.
func readError(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return contextError(ctx, fmt.Errorf("pgstore: %s: %w", what, hideUser(err)))
}
