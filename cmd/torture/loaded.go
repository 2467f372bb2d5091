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

// dsnThrough returns a DSN for the replicas, given the server and the DSN of their
// database there.
type dsnThrough = func(context.Context, *kratostest.Postgres, string) (string, error)

// newLoaded starts replicas that reach their database as through says.
func newLoaded(ctx context.Context, o options, through dsnThrough) (l *loaded, err error) {
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
	if o.patience > 0 {
		f.kratos.timeout = o.patience
	}
	l.fleet, l.closes = f, append(l.closes, stop)
	return l, l.startReplicas(ctx, o, fake, through)
}

func (l *loaded) startReplicas(ctx context.Context, o options, fake *kratostest.Fake, through dsnThrough) error {
	t, remove, err := newReplicaTrial(ctx, scenario{cooldown: day}, l.fleet, 0, through)
	if err != nil {
		return err
	}
	l.closes = append(l.closes, remove)
	l.soakTest = &soakTest{
		trial: t, fake: fake, answers: make(map[string]int), perSecond: o.rate, limit: time.Duration(o.slack) * answerTime, away: true, // of its store: so 503 is expected
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
