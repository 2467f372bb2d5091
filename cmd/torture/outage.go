package main

import (
	"context"
	"time"

	"invitebridge/kratos/kratostest"
)

// outages kills PostgreSQL under load and restarts it, without a restart of any
// bridge.
func outages(ctx context.Context, o options) error {
	o.postgres = nil // it is killed
	l, err := newLoaded(ctx, o, nil)
	if err != nil {
		return err
	}
	defer l.close()
	var down, back time.Duration
	err = l.during(ctx, func(ctx context.Context) error {
		for range o.rounds {
			if err := pause(ctx, randomly(time.Second, 3*time.Second)); err != nil {
				return err
			}
			begin := time.Now()
			if err := l.fleet.postgres.Kill(); err != nil {
				return err
			}
			if err := pause(ctx, randomly(0, 2*time.Second)); err != nil {
				return err
			}
			if err := l.fleet.postgres.Restart(ctx); err != nil {
				return err
			}
			restarted := time.Now()
			if err := l.awaitReady(ctx); err != nil {
				return err
			}
			down, back = max(down, restarted.Sub(begin)), max(back, time.Since(restarted))
		}
		return nil
	})
	l.out("PostgreSQL killed %d times, for up to %v; ready again at most %v after it; slowest response %v",
		o.rounds, down.Round(time.Millisecond), back.Round(time.Millisecond), l.slowest.Round(time.Millisecond))
	return err
}

// silences cuts the network between all replicas and PostgreSQL under load, so that
// nothing arrives and nothing is closed.
func silences(ctx context.Context, o options) error {
	var network *relay
	l, err := newLoaded(ctx, o, func(ctx context.Context, _ *kratostest.Postgres, dsn string) (_ string, err error) {
		network, dsn, err = newRelay(ctx, dsn)
		return dsn, err
	})
	if network != nil {
		defer network.close()
	}
	if err != nil {
		return err
	}
	defer l.close()
	return l.silence(ctx, o, network)
}

// cable is a network that can be cut.
type cable interface {
	silence(context.Context) error
	resume(context.Context) error
}

// silence cuts the network again and again.
func (l *loaded) silence(ctx context.Context, o options, network cable) error {
	var back time.Duration
	err := l.during(ctx, func(ctx context.Context) error {
		for range o.rounds {
			if err := pause(ctx, randomly(time.Second, 3*time.Second)); err != nil {
				return err
			}
			if err := network.silence(ctx); err != nil {
				return err
			}
			if err := pause(ctx, randomly(answerTime/2, answerTime*3/2)); err != nil {
				return err
			}
			if err := network.resume(ctx); err != nil {
				return err
			}
			resumed := time.Now()
			if err := l.awaitReady(ctx); err != nil {
				return err
			}
			back = max(back, time.Since(resumed))
		}
		return nil
	})
	l.out("the network silent %d times; ready again at most %v after it; slowest response %v",
		o.rounds, back.Round(time.Millisecond), l.slowest.Round(time.Millisecond))
	return err
}
