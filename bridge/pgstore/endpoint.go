package pgstore

import (
	"context"
	"errors"
	"fmt"

	"invitebridge/bridge"

	"github.com/jackc/pgx/v5"
)

const (
	selectEndpoints = "SELECT id, settings, disabled_at FROM invitebridge.endpoints ORDER BY id, settings"
	disableEndpoint = `INSERT INTO invitebridge.endpoints (id, settings, disabled_at) VALUES ($1, $2, $3)
		ON CONFLICT (id, settings) DO NOTHING`
	enableEndpoint = "DELETE FROM invitebridge.endpoints WHERE id = $1"
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
// same settings. One that is disabled already is left unchanged.
func (s *Store) DisableEndpoint(ctx context.Context, e bridge.DisabledEndpoint) error {
	_, err := s.execute(ctx, disableEndpoint, argText(e.ID), e.Settings[:], (*moment)(&e.At))
	return err
}

// EnableEndpoint makes an endpoint enabled for all processes, whatever its settings.
func (s *Store) EnableEndpoint(ctx context.Context, id string) error {
	_, err := s.execute(ctx, enableEndpoint, argText(id))
	return err
}
