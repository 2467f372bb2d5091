package pgstore

import (
	"encoding/binary"
	"time"

	"invitebridge/bridge"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// lockRequest makes updates wait for each other that use the same key, also if there
	// is no row of it.
	lockRequest   = "SELECT pg_advisory_xact_lock(7595447, $1)"
	selectRequest = "SELECT k.body, k.id, k.created, k.at FROM invitebridge.idempotency_keys k WHERE k.digest = $1"
	putRequest    = `INSERT INTO invitebridge.idempotency_keys (digest, body, id, created, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (digest) DO UPDATE SET body = excluded.body, id = excluded.id, created = excluded.created, at = excluded.at`
	deleteRequests = `DELETE FROM invitebridge.idempotency_keys WHERE digest = ANY (ARRAY(
		SELECT k.digest FROM invitebridge.idempotency_keys k WHERE k.at <= $1
		ORDER BY k.at, k.digest LIMIT $2 FOR UPDATE SKIP LOCKED))`
)

// IdempotentRequest implements [bridge.Tx].
func (t *tx) IdempotentRequest(key bridge.Digest) (r bridge.IdempotentRequest, err error) {
	if err := t.checkOpen(); err != nil {
		return r, err
	}
	if t.writable {
		t.lockRequest(key)
	}
	err = bridge.ErrRowNotFound
	var body []byte
	sendErr := t.do(statement{sql: selectRequest, args: []any{key[:]}, rows: func(rows pgx.Rows) error {
		_, scanErr := pgx.ForEachRow(rows, []any{&body, (*id)(&r.ID), &r.Created, (*moment)(&r.At)}, func() error {
			r.Key, r.Body, err = key, bridge.Digest(body), nil // the table checks the length
			return nil
		})
		return scanErr
	}})
	if sendErr != nil {
		return r, sendErr
	}
	return r, err
}

// lockRequest queues the lock of a key. Two updates that lock it after something that
// the other one needs are a deadlock, which the server ends; then one runs again and
// locks all that it needs, apart from the key, first.
func (t *tx) lockRequest(key bridge.Digest) {
	if t.requests[key] {
		return
	}
	t.requests[key] = true
	t.add(lockRequest, int32(binary.BigEndian.Uint32(key[:4]))) //nolint:gosec // any number that depends on the key
}

// PutIdempotentRequest implements [bridge.Tx].
func (t *tx) PutIdempotentRequest(r bridge.IdempotentRequest) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	t.lockRequest(r.Key)
	t.write(putRequest, requestArgs(&r)...)
	return nil
}

func requestArgs(r *bridge.IdempotentRequest) []any {
	return []any{r.Key[:], r.Body[:], argID(r.ID), r.Created, (*moment)(&r.At)}
}

// DeleteIdempotentRequests implements [bridge.Tx].
func (t *tx) DeleteIdempotentRequests(before time.Time, limit int) (n int, err error) {
	if err := t.mayWrite(); err != nil {
		return 0, err
	}
	err = t.do(statement{sql: deleteRequests, args: []any{(*moment)(&before), limit}, tag: func(tag pgconn.CommandTag) error {
		n = int(tag.RowsAffected())
		return nil
	}})
	t.wrote = t.wrote || n > 0
	return n, err
}
