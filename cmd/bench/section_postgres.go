package main

import (
	"context"
	"fmt"
)

// measurePostgres compares an invite, an import and an acceptance with bare calls, as
// the sections invite, import and accept do, with a bridge on PostgreSQL. Kratos has a database
// of its own on the same server, which is the one started for the run.
func measurePostgres(ctx context.Context, s *stage) error {
	k, b, err := s.startOnPostgres(ctx, cheapBcrypt)
	if err != nil {
		return err
	}
	invite := s.invite(k, b)
	invite.name += inPostgres.suffix
	all, err := s.compare(ctx, 16, s.bareCreate(k), invite)
	if err != nil {
		return err
	}
	s.bench.report.compare(all)
	s.bench.report.ratio(invite.name+" / bare create, 16 at once", all[1], all[0], 0.75)
	if _, err := s.compareImport(ctx, k, b, inPostgres.suffix); err != nil {
		return err
	}
	return s.acceptOnPostgres(ctx, k, b, cheapBcrypt, 0.85)
}

// measurePostgres12 compares acceptances at the default cost of bcrypt.
func measurePostgres12(ctx context.Context, s *stage) error {
	s.turn *= 2 // it takes that long for a few dozen calls
	k, b, err := s.startOnPostgres(ctx, defaultBcrypt)
	if err != nil {
		return err
	}
	return s.acceptOnPostgres(ctx, k, b, defaultBcrypt, 0.95)
}

// measurePostgresSize compares a bridge with many pending invitations with one that
// has none.
func measurePostgresSize(ctx context.Context, s *stage) error {
	_, _, err := s.compareSizes(ctx, inPostgres)
	return err
}

func (s *stage) startOnPostgres(ctx context.Context, bcrypt int) (k *kratosServer, b *bridgeProcess, err error) {
	if k, err = s.startKratos(ctx, bcrypt, ""); err != nil {
		return nil, nil, err
	}
	dsn, err := inPostgres.create(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	b, err = s.startBridgeOn(ctx, k, dsn, "")
	return k, b, err
}

func (s *stage) acceptOnPostgres(ctx context.Context, k *kratosServer, b *bridgeProcess, bcrypt int, goal float64) error {
	accept := s.acceptByAPI(k, b)
	accept.name += inPostgres.suffix
	all, err := s.compare(ctx, 16, s.bareWrites(k, false), accept)
	if err != nil {
		return err
	}
	s.bench.report.compare(all)
	s.bench.report.ratio(fmt.Sprintf("%s / bare PUT, bcrypt %d, 16 at once", accept.name, bcrypt), all[1], all[0], goal)
	return nil
}
