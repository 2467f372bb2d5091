package main

import (
	"context"
	"fmt"
	"time"

	"invitebridge/kratos/kratostest"
)

// readyAgain is within what time all replicas are ready after a promotion.
const readyAgain = 5 * time.Second

// failovers kills the primary under load and promotes its synchronous standby, then
// puts another standby in the place of the dead primary.
func failovers(ctx context.Context, o options) error {
	o.postgres = nil // it is killed
	var primary, standby *kratostest.Postgres
	defer func() {
		if standby != nil {
			_ = standby.Stop()
		}
	}()
	var both string
	l, err := newLoaded(ctx, o, func(ctx context.Context, p *kratostest.Postgres, dsn string) (_ string, err error) {
		if primary, standby, err = p, nil, nil; err == nil {
			standby, err = p.NewStandby(ctx, nil)
		}
		if err == nil {
			both, err = primary.With(standby, dsn)
		}
		return both, err
	})
	if err != nil {
		return err
	}
	defer func() { _ = primary.Stop() }()
	defer l.close()
	l.trial.bridges.(*replicas).database = both
	var back time.Duration
	err = l.during(ctx, func(ctx context.Context) error {
		for range o.rounds {
			if err := pause(ctx, randomly(time.Second, 3*time.Second)); err != nil {
				return err
			}
			if err := primary.Kill(); err != nil {
				return err
			}
			if err := standby.Promote(ctx); err != nil {
				return err
			}
			promoted := time.Now()
			if err := l.awaitReady(ctx); err != nil {
				return err
			}
			if back = max(back, time.Since(promoted)); back > readyAgain*time.Duration(o.slack) {
				return fmt.Errorf("the replicas were ready %v after the promotion", back)
			}
			dead := primary
			if err := dead.Stop(); err != nil {
				return err
			}
			primary, standby = standby, nil
			if standby, err = primary.NewStandby(ctx, dead); err != nil {
				return err
			}
		}
		return nil
	})
	l.out("%d failovers to a synchronous standby; ready again at most %v after the promotion; slowest response %v",
		o.rounds, back.Round(time.Millisecond), l.slowest.Round(time.Millisecond))
	return err
}
