package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"invitebridge/kratos/kratostest"
)

// crash is a way to interrupt an acceptance. Run gives what is not as it should
// be.
type crash struct {
	name string
	real bool // with a real Kratos, where the owner changes the password in the settings
	run  func(context.Context, *wreck) error
}

var crashes = []crash{
	{"killed after the write, back within the lease", true, killed(48*time.Hour, neither)},
	{"killed after the write, back after the lease", true, killed(48*time.Hour, afterItsLease)},
	{"killed after the write, back after the expiry", true, killed(4*time.Second, afterItsExpiry)},
	{"killed after the write, back after both", true, killed(4*time.Second, afterItsLease)},
	{"killed after the write, back after both, slow reads", false, killedAndSlow},
	{"a backup of that moment, restored at once", false, restored(48*time.Hour, neither)},
	{"a backup of that moment, restored after the lease", false, restored(48*time.Hour, afterItsLease)},
	{"a backup of that moment, restored after lease and expiry", false, restored(4*time.Second, afterItsLease)},
	{"suspended while it reads", false, suspendedReading},
	{"suspended before the write begins", false, suspendedAt("accept.update2.before")},
	{"suspended when the write has begun", false, suspendedAt("accept.update2.after")},
	{"suspended before the call", false, suspendedAt("accept.activate1.before")},
	{"suspended before the request", false, suspendedAt("accept.request2.before")},
	{"the answer is cut, the write has its effect", false, cut(kratostest.Fault{Do: kratostest.CutAfter}, false)},
	{"the answer is late, and so is the write", false, cut(kratostest.Fault{Delay: 3 * time.Second}, false)},
	{"the request is cut, the write has no effect", false, cut(kratostest.Fault{Do: kratostest.CutBefore}, true)},
}

// TestCrash interrupts acceptances with real processes and clocks, three times in
// each way, or CRASH_ROUNDS times; most of it is waiting.
func TestCrash(t *testing.T) {
	t.Parallel()
	rounds, _ := strconv.Atoi(os.Getenv("CRASH_ROUNDS"))
	if rounds == 0 {
		rounds = 3
	}
	binary, remove, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	kratos, err := kratostest.Start(t.Context(), kratostest.Options{BcryptCost: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kratos.Stop() }()
	var running errgroup.Group
	running.SetLimit(24)
	for round := range rounds {
		for _, c := range crashes {
			running.Go(func() error {
				server := kratos
				if !c.real {
					server = nil
				}
				if err := wreckOnce(t, c, binary, round, server); err != nil {
					t.Errorf("%s, round %d: %v", c.name, round, err)
				}
				return nil
			})
		}
	}
	_ = running.Wait()
	t.Logf("%d rounds of each of %d crashes", rounds, len(crashes))
}

func wreckOnce(t *testing.T, c crash, binary string, round int, server *kratostest.Server) error {
	w, remove, err := newWreck(t, binary, round, server)
	if err != nil {
		return err
	}
	defer remove()
	return c.run(t.Context(), w)
}

// moment says when the bridge comes back.
type moment func(w *wreck, over time.Time) time.Time

func neither(*wreck, time.Time) time.Time              { return time.Time{} }
func afterItsExpiry(w *wreck, _ time.Time) time.Time   { return expiry(w.subject) }
func afterItsLease(_ *wreck, over time.Time) time.Time { return over.Add(100 * time.Millisecond) }

func killed(lifespan time.Duration, back moment) func(context.Context, *wreck) error {
	return func(ctx context.Context, w *wreck) error {
		over, err := w.landed(ctx, lifespan)
		if err != nil {
			return err
		}
		time.Sleep(time.Until(back(w, over)))
		return errors.Join(w.besiege(ctx), w.belongs(ctx, w.owner), w.notified(ctx))
	}
}

// killedAndSlow has the token arrive before the first sweep has read anything.
func killedAndSlow(ctx context.Context, w *wreck) error {
	return killed(4*time.Second, func(w *wreck, over time.Time) time.Time {
		w.fake.Inject(kratostest.Fault{Method: http.MethodGet, Route: kratostest.RouteIdentity, Delay: time.Second})
		return over.Add(100 * time.Millisecond)
	})(ctx, w)
}

// restored takes a backup while a hook is being asked, has the invitation
// accepted, and goes back to that backup.
func restored(lifespan time.Duration, back moment) func(context.Context, *wreck) error {
	return func(ctx context.Context, w *wreck) error {
		if err := w.inviteFor(ctx, lifespan); err != nil {
			return err
		}
		asked, goOn := w.world.holdBack(w.id)
		defer goOn()
		accepted := make(chan error, 1)
		go func() { accepted <- accept(ctx, w.trial, w.subject) }()
		<-asked
		over := time.Now().Add(w.kratos.lease())
		store, err := w.backup(ctx)
		goOn()
		if err := errors.Join(err, <-accepted, w.kratos.setPassword(ctx, w.subject, w.owner)); err != nil {
			return err
		}
		w.process.kill()
		time.Sleep(time.Until(back(w, over)))
		return errors.Join(w.restore(store), w.besiege(ctx), w.belongs(ctx, w.owner))
	}
}

// suspendedReading suspends the bridge while it waits for Kratos to show the
// identity.
func suspendedReading(ctx context.Context, w *wreck) error {
	arrived, hold := make(chan struct{}), make(chan struct{})
	arrive, release := sync.OnceFunc(func() { close(arrived) }), sync.OnceFunc(func() { close(hold) })
	defer release()
	w.fake.Inject(kratostest.Fault{Method: http.MethodGet, Route: kratostest.RouteIdentity, Times: 1, Arrived: arrive, Hold: hold})
	return w.suspended(ctx, func() error {
		<-arrived
		err := errors.Join(w.process.suspend(), w.process.suspended(killPatience))
		release() // the answer is there when the bridge goes on
		return err
	})
}

func suspendedAt(point string) func(context.Context, *wreck) error {
	return func(ctx context.Context, w *wreck) error {
		if err := w.process.arm("stop " + point); err != nil {
			return err
		}
		return w.suspended(ctx, func() error { return nil })
	}
}

// suspended lets the bridge go on when the lease of its claim is over. In every
// other round an administrator has activated the account meanwhile.
func (w *wreck) suspended(ctx context.Context, suspend func() error) error {
	if err := w.inviteFor(ctx, 48*time.Hour); err != nil {
		return err
	}
	answered := make(chan answer, 1)
	go func() {
		a, _ := w.send(ctx, w.subject, w.tokens[0], intruder)
		answered <- a
	}()
	if err := suspend(); err != nil {
		return err
	}
	if err := errors.Join(w.process.suspended(killPatience), w.process.arm("")); err != nil {
		return err
	}
	activated := w.round%2 == 0
	if activated {
		if err := w.kratos.Activate(ctx, w.identity, w.owner); err != nil {
			return err
		}
	}
	time.Sleep(w.kratos.lease() + time.Second)
	before := w.writes()
	if err := w.process.resume(); err != nil {
		return err
	}
	if a := <-answered; a.status == http.StatusOK || w.writes() > before {
		return fmt.Errorf("after its lease it was answered %d %s, and the bridge wrote %d times", a.status, a.text, w.writes()-before)
	}
	if activated {
		return errors.Join(w.besiege(ctx), w.kratos.SignIn(ctx, w.email, w.owner), w.keepsOut(ctx), hasState("revoked")(ctx, w.trial, w.subject))
	}
	failed, _ := w.each(ctx, prompt+w.kratos.lease(), accept)
	if len(failed) > 0 {
		return fmt.Errorf("it cannot be accepted later: %q", failed)
	}
	return errors.Join(w.belongs(ctx, w.password), w.notified(ctx))
}

// cut spoils the write of an acceptance. Somebody else goes on with another
// token and another password; wins says whether he may.
func cut(fault kratostest.Fault, wins bool) func(context.Context, *wreck) error {
	return func(ctx context.Context, w *wreck) error {
		fault := fault
		fault.Method, fault.Route, fault.Times = http.MethodPut, kratostest.RouteIdentity, 1
		w.fake.Inject(fault)
		if err := errors.Join(w.inviteFor(ctx, 48*time.Hour), resend(ctx, w.trial, w.subject)); err != nil {
			return err
		}
		a, err := w.send(ctx, w.subject, w.tokens[0], w.password)
		if err == nil {
			err = a.is(http.StatusServiceUnavailable)
		}
		if err != nil {
			return err
		}
		if !wins {
			return errors.Join(w.besiege(ctx), w.belongs(ctx, w.password), w.notified(ctx))
		}
		first := w.password
		w.tokens[0], w.password = w.tokens[1], "Second-"+first
		if failed, _ := w.each(ctx, prompt+w.kratos.lease(), accept); len(failed) > 0 {
			return fmt.Errorf("the second token: %q", failed)
		}
		if err := w.kratos.SignIn(ctx, w.email, first); !errors.Is(err, kratostest.ErrWrongPassword) {
			return fmt.Errorf("the first password: %w", err)
		}
		return errors.Join(w.belongs(ctx, w.password), w.notified(ctx))
	}
}
