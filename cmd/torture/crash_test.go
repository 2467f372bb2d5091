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

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// crash is a way to interrupt an acceptance. run returns an error if an invariant
// is violated.
type crash struct {
	name string
	real bool // use a real Kratos, where the owner changes the password in the settings
	run  func(context.Context, *interruption) error
}

var crashes = []crash{
	{"killed after the write, restarted within the lease", true, killed(48*time.Hour, immediately)},
	{"killed after the write, restarted after the lease", true, killed(48*time.Hour, afterItsLease)},
	{"killed after the write, restarted after the expiry", true, killed(4*time.Second, afterItsExpiry)},
	{"killed after the write, restarted after both", true, killed(4*time.Second, afterItsLease)},
	{"killed after the write, restarted after both, slow reads", false, killedAndSlow},
	{"a backup of that moment, restored at once", false, restored(48*time.Hour, immediately)},
	{"a backup of that moment, restored after the lease", false, restored(48*time.Hour, afterItsLease)},
	{"a backup of that moment, restored after lease and expiry", false, restored(4*time.Second, afterItsLease)},
	{"suspended while it reads", false, suspendedReading},
	{"suspended before the write begins", false, suspendedAt("accept.update2.before")},
	{"suspended when the write has begun", false, suspendedAt("accept.update2.after")},
	{"suspended before the call", false, suspendedAt("accept.activate1.before")},
	{"suspended before the request", false, suspendedAt("accept.request2.before")},
	{"the response is lost, the write takes effect", false, cut(kratostest.Fault{Do: kratostest.CutAfter}, false)},
	{"the response and the write are late", false, late},
	{"the request is lost, the write has no effect", false, cut(kratostest.Fault{Do: kratostest.CutBefore}, true)},
}

// TestCrash interrupts acceptances with real processes and clocks, three times or
// CRASH_ROUNDS times in each way. It mostly waits.
func TestCrash(t *testing.T) {
	testenv.SkipIfShort(t, slowReason)
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
				if err := interruptOnce(t, c, binary, round, server); err != nil {
					t.Errorf("%s, round %d: %v", c.name, round, err)
				}
				return nil
			})
		}
	}
	_ = running.Wait()
	t.Logf("%d rounds of each of %d crashes", rounds, len(crashes))
}

// interruptOnce repeats a crash that had nothing to interrupt.
func interruptOnce(t *testing.T, c crash, binary string, round int, server *kratostest.Server) (err error) {
	for range 5 {
		if err = interrupt(t, c, binary, round, server); !errors.Is(err, errNotLanded) {
			return err
		}
	}
	return err
}

func interrupt(t *testing.T, c crash, binary string, round int, server *kratostest.Server) error {
	w, remove, err := newInterruption(t, binary, round, server)
	if err != nil {
		return err
	}
	defer remove()
	return c.run(t.Context(), w)
}

// restartTime returns when the bridge is restarted, given the end of the lease.
type restartTime func(w *interruption, over time.Time) time.Time

func immediately(*interruption, time.Time) time.Time        { return time.Time{} }
func afterItsExpiry(w *interruption, _ time.Time) time.Time { return expiry(w.subject) }
func afterItsLease(_ *interruption, over time.Time) time.Time {
	return over.Add(100 * time.Millisecond)
}

func killed(lifespan time.Duration, back restartTime) func(context.Context, *interruption) error {
	return func(ctx context.Context, w *interruption) error {
		over, err := w.killAfterWrite(ctx, lifespan)
		if err != nil {
			return err
		}
		time.Sleep(time.Until(back(w, over)))
		return errors.Join(w.attack(ctx), w.checkOwner(ctx, w.owner), w.checkNotified(ctx))
	}
}

// killedAndSlow makes the token arrive before the first sweep has read the
// identity.
func killedAndSlow(ctx context.Context, w *interruption) error {
	return killed(4*time.Second, func(w *interruption, over time.Time) time.Time {
		w.fake.Inject(kratostest.Fault{Method: http.MethodGet, Route: kratostest.RouteIdentity, Delay: time.Second})
		return over.Add(100 * time.Millisecond)
	})(ctx, w)
}

// restored takes a backup while a blocking hook is running, lets the invitation be
// accepted, and restores that backup.
func restored(lifespan time.Duration, back restartTime) func(context.Context, *interruption) error {
	return func(ctx context.Context, w *interruption) error {
		if err := w.inviteFor(ctx, lifespan); err != nil {
			return err
		}
		asked, goOn := w.env.holdBack(w.id)
		defer goOn()
		accepted := make(chan error, 1)
		go func() {
			var err error
			if failed, _ := w.each(ctx, testenv.Limit, accept); len(failed) > 0 {
				err = fmt.Errorf("the acceptance: %q", failed)
			}
			accepted <- err
		}()
		<-asked
		over := time.Now().Add(w.kratos.lease())
		store, err := w.backup(ctx)
		goOn()
		if err := errors.Join(err, <-accepted, w.kratos.setPassword(ctx, w.subject, w.owner)); err != nil {
			return err
		}
		w.process.kill()
		time.Sleep(time.Until(back(w, over)))
		return errors.Join(w.restore(store), w.attack(ctx), w.checkOwner(ctx, w.owner))
	}
}

// suspendedReading suspends the bridge while it waits for Kratos to show the
// identity.
func suspendedReading(ctx context.Context, w *interruption) error {
	arrived, hold := make(chan struct{}), make(chan struct{})
	arrive, release := sync.OnceFunc(func() { close(arrived) }), sync.OnceFunc(func() { close(hold) })
	defer release()
	w.fake.Inject(kratostest.Fault{Method: http.MethodGet, Route: kratostest.RouteIdentity, Times: 1, Arrived: arrive, Hold: hold})
	return w.suspended(ctx, func() error {
		<-arrived
		err := errors.Join(w.process.suspend(), w.process.suspended(killTimeout))
		release() // the response is ready when the bridge resumes
		return err
	})
}

func suspendedAt(point string) func(context.Context, *interruption) error {
	return func(ctx context.Context, w *interruption) error {
		if err := w.process.arm("stop " + point); err != nil {
			return err
		}
		return w.suspended(ctx, func() error { return nil })
	}
}

// suspended resumes the bridge after the lease of its claim has expired. In every
// other round an administrator activates the account meanwhile.
func (w *interruption) suspended(ctx context.Context, suspend func() error) error {
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
	if err := errors.Join(w.process.suspended(killTimeout), w.process.arm("")); err != nil {
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
		return fmt.Errorf("after the lease the response was %d %s, and the bridge wrote %d times", a.status, a.text, w.writes()-before)
	}
	if activated {
		return errors.Join(w.attack(ctx), w.kratos.SignIn(ctx, w.email, w.owner), w.checkIntruderRejected(ctx), hasState("revoked")(ctx, w.trial, w.subject))
	}
	failed, _ := w.each(ctx, testenv.Limit, accept)
	if len(failed) > 0 {
		return fmt.Errorf("the invitation cannot be accepted later: %q", failed)
	}
	return errors.Join(w.checkOwner(ctx, w.password), w.checkNotified(ctx))
}

// cut makes the write of an acceptance fail. Then someone else accepts with another
// token and another password; wins states whether that must succeed.
func cut(fault kratostest.Fault, wins bool) func(context.Context, *interruption) error {
	return cutThen(fault, wins, func() {})
}

// late is cut, with a write that takes effect once the bridge has given it up.
func late(ctx context.Context, w *interruption) error {
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	defer release()
	return cutThen(kratostest.Fault{Hold: hold}, false, release)(ctx, w)
}

// cutThen is cut, and calls then after the response to the first acceptance.
func cutThen(fault kratostest.Fault, wins bool, then func()) func(context.Context, *interruption) error {
	return func(ctx context.Context, w *interruption) error {
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
		then()
		if !wins {
			return errors.Join(w.attack(ctx), w.checkOwner(ctx, w.password), w.checkNotified(ctx))
		}
		first := w.password
		w.tokens[0], w.password = w.tokens[1], "Second-"+first
		if failed, _ := w.each(ctx, testenv.Limit, accept); len(failed) > 0 {
			return fmt.Errorf("the second token: %q", failed)
		}
		if err := w.kratos.SignIn(ctx, w.email, first); !errors.Is(err, kratostest.ErrWrongPassword) {
			return fmt.Errorf("the first password: %w", err)
		}
		return errors.Join(w.checkOwner(ctx, w.password), w.checkNotified(ctx))
	}
}
