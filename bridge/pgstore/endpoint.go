package pgstore

import (
	"context"
	"errors"
	"fmt"

	"invitebridge/bridge"

	"github.com/jackc/pgx/v5"
)

// A row with the settings enabled, which no endpoint has, says when the endpoint was
// last enabled: a row of an earlier time counts no longer, even if it is inserted later.
const (
	enabled         = `'\x` + "0000000000000000000000000000000000000000000000000000000000000000" + `'::bytea`
	selectEndpoints = `SELECT d.id, d.settings, d.disabled_at FROM invitebridge.endpoints d
		LEFT JOIN invitebridge.endpoints e ON e.id = d.id AND e.settings = ` + enabled + `
		WHERE d.settings <> ` + enabled + ` AND (e.id IS NULL OR d.disabled_at > e.disabled_at) ORDER BY d.id, d.settings`
	disableEndpoint = `INSERT INTO invitebridge.endpoints AS d (id, settings, disabled_at) VALUES ($1, $2, $3)
		ON CONFLICT (id, settings) DO UPDATE SET disabled_at = excluded.disabled_at WHERE d.disabled_at <=
		(SELECT e.disabled_at FROM invitebridge.endpoints e WHERE e.id = d.id AND e.settings = ` + enabled + `)`
	enableEndpoint = `WITH earlier AS (DELETE FROM invitebridge.endpoints WHERE id = $1 AND settings <> ` + enabled + `)
		INSERT INTO invitebridge.endpoints AS e (id, settings, disabled_at) VALUES ($1, ` + enabled + `, $2)
		ON CONFLICT (id, settings) DO UPDATE SET disabled_at = greatest(e.disabled_at, excluded.disabled_at)`
)

// DisabledEndpoints returns the endpoints that any process has found disabled.
func (s *Store) DisabledEndpoints(ctx context.Context) (list []bridge.DisabledEndpoint, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.running.Done()
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.pool.Query(ctx, selectEndpoints)
	if err != nil {
		return nil, contextError(ctx, fmt.Errorf("pgstore: endpoints: %w", err))
	}
	var e bridge.DisabledEndpoint
	var settings []byte
	_, err = pgx.ForEachRow(rows, []any{(*text)(&e.ID), &settings, (*moment)(&e.At)}, func() error {
		if copy(e.Settings[:], settings) != len(e.Settings) {
			return errors.New("the digest of an endpoint is too short")
		}
		list = append(list, e)
		return nil
	})
	if err != nil {
		return nil, contextError(ctx, fmt.Errorf("pgstore: endpoints: %w", err))
	}
	return list, nil
}

// DisableEndpoint makes an endpoint disabled for all processes that have it with the
// same settings, unless it was enabled at e.At or later. One that is disabled already is
// left unchanged.
func (s *Store) DisableEndpoint(ctx context.Context, e bridge.DisabledEndpoint) error {
	_, err := s.execute(ctx, disableEndpoint, argText(e.ID), e.Settings[:], (*moment)(&e.At))
	return err
}

// EnableEndpoint makes an endpoint enabled for all processes, whatever its settings.
func (s *Store) EnableEndpoint(ctx context.Context, id string) error {
	now := s.Now()
	_, err := s.execute(ctx, enableEndpoint, argText(id), (*moment)(&now))
	return err
}
