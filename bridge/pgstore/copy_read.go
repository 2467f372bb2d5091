package pgstore

import (
	"context"
	"fmt"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// What is compared after a copy. Rows of one table may be read later than those of
// another: nothing else writes.
var (
	selectNext    = "SELECT " + invitationNames + " FROM invitebridge.invitations t WHERE t.id > $1 ORDER BY t.id LIMIT $2"
	selectDigests = `SELECT k.digest, k.invitation_id, k.channel, k.epoch FROM invitebridge.tokens k
		WHERE k.invitation_id = ANY ($1) ORDER BY k.digest`
	selectMessagesOf = "SELECT " + messageNames + " FROM invitebridge.messages t WHERE t.invitation_id = ANY ($1) ORDER BY t.id"
	countRows        = `SELECT (SELECT count(*) FROM invitebridge.invitations),
		(SELECT count(*) FROM invitebridge.tokens), (SELECT count(*) FROM invitebridge.messages),
		(SELECT count(*) FROM invitebridge.history),
		(SELECT count(*) FROM invitebridge.imports), (SELECT count(*) FROM invitebridge.import_rows),
		(SELECT count(*) FROM invitebridge.idempotency_keys)`
)

// Count counts the rows of the tables.
func (c *Copy) Count(ctx context.Context) (n bridge.RecordCounts, err error) {
	err = c.store.pool.QueryRow(ctx, countRows).Scan(&n.Invitations, &n.Tokens, &n.Messages, &n.History,
		&n.Imports, &n.ImportRows, &n.Requests)
	if err != nil {
		err = contextError(ctx, fmt.Errorf("pgstore: count: %w", hideUser(err)))
	}
	return n, err
}

// Records returns the records of at most limit invitations that follow an id, in the
// order of their ids.
func (c *Copy) Records(ctx context.Context, after uuid.UUID, limit int) ([]bridge.Record, error) {
	r := recordReader{store: c.store, at: make(map[uuid.UUID]int)}
	for _, read := range []func(context.Context) error{
		func(ctx context.Context) error { return r.invitations(ctx, after, limit) }, r.tokens, r.messages, r.history,
	} {
		if err := read(ctx); err != nil {
			return nil, contextError(ctx, fmt.Errorf("pgstore: records: %w", hideUser(err)))
		}
	}
	return r.list, nil
}

// recordReader reads records, table by table.
type recordReader struct {
	store *Store
	list  []bridge.Record
	ids   ascend
	at    map[uuid.UUID]int // the index of each
}

func (r *recordReader) invitations(ctx context.Context, after uuid.UUID, limit int) error {
	rows, err := r.store.pool.Query(ctx, selectNext, argID(after), limit)
	if err != nil {
		return err
	}
	found, err := invitations.scan(rows, nil)
	for n, row := range found {
		r.at[row.ID], r.ids = n, append(r.ids, row.ID)
		r.list = append(r.list, bridge.Record{Invitation: row.invitation()})
	}
	return err
}

func (r *recordReader) tokens(ctx context.Context) error {
	rows, err := r.store.pool.Query(ctx, selectDigests, uuids(r.ids))
	if err != nil {
		return err
	}
	var digest []byte
	var k bridge.StoredToken
	_, err = pgx.ForEachRow(rows, []any{&digest, (*id)(&k.InvitationID), (*text)(&k.Channel), &k.Epoch}, func() error {
		k.Digest = bridge.Digest(digest) // the table checks the length
		of := &r.list[r.at[k.InvitationID]]
		of.Tokens = append(of.Tokens, k)
		return nil
	})
	return err
}

func (r *recordReader) messages(ctx context.Context) error {
	list, err := r.store.messagesOf(ctx, selectMessagesOf, r.ids)
	for _, m := range list {
		of := &r.list[r.at[m.InvitationID]]
		of.Messages = append(of.Messages, m)
	}
	return err
}

func (r *recordReader) history(ctx context.Context) error {
	rows, err := r.store.pool.Query(ctx, selectHistoryOf, uuids(r.ids))
	if err != nil {
		return err
	}
	list, err := scanHistory(rows)
	for _, e := range list {
		of := &r.list[r.at[e.InvitationID]]
		of.History = append(of.History, e)
	}
	return err
}

func (s *Store) messagesOf(ctx context.Context, sql string, ids []uuid.UUID) (list []bridge.Message, err error) {
	rows, err := s.pool.Query(ctx, sql, uuids(ids))
	if err != nil {
		return nil, err
	}
	found, err := messages.scan(rows, attemptsOf)
	for _, row := range found {
		row.normalize()
		m, err := row.message()
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, err
}
