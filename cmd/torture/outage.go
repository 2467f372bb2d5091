package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"invitebridge/kratos/kratostest"
)

// loaded is a number of replicas under load, whose database fails.
type loaded struct {
	*soakTest
	fleet  fleet
	closes []func()
}

// newLoaded starts replicas that reach their database as through says.
func newLoaded(ctx context.Context, o options, through func(dsn string) (string, error)) (l *loaded, err error) {
	l = &loaded{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	f, fake, stop, err := startFleet(ctx, o)
	if err != nil {
		return l, err
	}
	l.fleet, l.closes = f, append(l.closes, stop)
	return l, l.startReplicas(ctx, o, fake, through)
}

func (l *loaded) startReplicas(ctx context.Context, o options, fake *kratostest.Fake, through func(dsn string) (string, error)) error {
	t, remove, err := newReplicaTrial(ctx, scenario{cooldown: day}, l.fleet, 0, through)
	if err != nil {
		return err
	}
	l.closes = append(l.closes, remove)
	l.soakTest = &soakTest{
		trial: t, fake: fake, answers: make(map[string]int), perSecond: o.rate, away: true, // of its store: so 503 is expected
		out: func(f string, a ...any) { fmt.Fprintf(o.out, f+"\n", a...) },
	}
	return t.bridges.start(ctx)
}

func (l *loaded) close() {
	for _, c := range slices.Backward(l.closes) {
		c()
	}
}

// during runs faults under load, then gives the replicas time to settle, and returns
// an error if anything that was acknowledged is lost, or anything was done twice.
func (l *loaded) during(ctx context.Context, faults func(context.Context) error) error {
	loading, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.loadUntil(ctx, loading.Done())
	}()
	err := faults(ctx)
	stop()
	<-done
	if err != nil {
		return err
	}
	l.repeatRequests(ctx)
	return l.verdict(ctx)
}

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

// awaitReady waits until all replicas say that they are ready.
func (l *loaded) awaitReady(ctx context.Context) error {
	for begin := time.Now(); ; {
		ready := 0
		for _, p := range l.replicas() {
			if isReady(ctx, p.admin) {
				ready++
			}
		}
		if ready == len(l.replicas()) {
			return nil
		}
		if time.Since(begin) > killTimeout {
			return fmt.Errorf("%d of %d replicas are ready %v after the database", ready, len(l.replicas()), killTimeout)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func (l *loaded) replicas() []*process { return l.trial.bridges.(*replicas).all }

func randomly(from, to time.Duration) time.Duration { return from + rand.N(to-from) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// silences cuts the network between all replicas and PostgreSQL under load, so that
// nothing arrives and nothing is closed.
func silences(ctx context.Context, o options) error {
	var network *relay
	l, err := newLoaded(ctx, o, func(dsn string) (_ string, err error) {
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
	var back time.Duration
	err = l.during(ctx, func(ctx context.Context) error {
		for range o.rounds {
			if err := pause(ctx, randomly(time.Second, 3*time.Second)); err != nil {
				return err
			}
			network.silence()
			if err := pause(ctx, randomly(answerTime/2, answerTime*3/2)); err != nil {
				return err
			}
			network.resume()
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
