package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// interruption is an interrupted acceptance with its invitation.
type interruption struct {
	*trial
	*subject
	fake  *kratostest.Fake // nil with a real Kratos
	round int
	owner string // the password that the owner of the account chose afterwards
}

// intruder is a password that someone else sends with a token of the invitation.
const intruder = "Pass-of-an-intruder"

// newInterruption starts a bridge, with its own fake Kratos if server is nil.
func newInterruption(t *testing.T, binary string, round int, server *kratostest.Server) (*interruption, func(), error) {
	w := &interruption{round: round, owner: "Owner-" + uuid.NewString()}
	var k identities
	stop := func() {}
	if server != nil {
		k = realIdentities(server)
	} else {
		fake, err := kratostest.NewFake(kratostest.FakeOptions{})
		if err != nil {
			return nil, nil, err
		}
		w.fake, k, stop = fake, fakeIdentities(fake), fake.Close
	}
	trial, remove, err := newTrial(t.Context(), scenario{cooldown: day}, 1, binary, k)
	if err != nil {
		stop()
		return nil, nil, err
	}
	w.trial, w.subject = trial, trial.subjects[0]
	return w, func() { trial.process.kill(); remove(); stop() }, trial.process.start(t.Context())
}

// inviteFor retries, because requests may fail on a slow machine.
func (w *interruption) inviteFor(ctx context.Context, lifespan time.Duration) error {
	failed, _ := w.each(ctx, testenv.Limit, func(ctx context.Context, t *trial, s *subject) error {
		return inviteFor(ctx, t, s, lifespan.String())
	})
	if len(failed) > 0 {
		return fmt.Errorf("the invitation: %q", failed)
	}
	return nil
}

// killAfterWrite kills the bridge after Kratos has stored the password and before
// the bridge has recorded that. Then the owner changes the password. over is when
// the lease of the claim expires.
func (w *interruption) killAfterWrite(ctx context.Context, lifespan time.Duration) (over time.Time, err error) {
	if err := w.inviteFor(ctx, lifespan); err != nil {
		return over, err
	}
	if err := landClaim(ctx, w.trial, w.subject); err != nil {
		return over, err
	}
	return time.Now().Add(w.kratos.lease()), errors.Join(w.process.arm(""), w.kratos.setPassword(ctx, w.subject, w.owner))
}

// attack makes two clients send their token and an intruder's password, from before
// the bridge starts until some time after its first 410. It returns an error if any
// response is 200 or none is 410.
func (w *interruption) attack(ctx context.Context) error {
	sieging, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	accepted, gone := make(chan answer, 2), make(chan struct{})
	isGone := sync.OnceFunc(func() { close(gone) })
	for range 2 {
		clients.Go(func() {
			for sieging.Err() == nil {
				a, err := call(sieging, http.MethodPost, w.process.public, "/"+w.tokens[len(w.tokens)-1], map[string]any{"password": intruder})
				switch {
				case err == nil && a.status == http.StatusOK:
					accepted <- a
					return
				case a.status == http.StatusGone:
					isGone()
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	if w.process.exited() {
		if err := w.process.start(ctx); err != nil {
			return err
		}
	}
	select {
	case <-gone:
	case a := <-accepted:
		return fmt.Errorf("the intruder got %d %s", a.status, a.text)
	case <-time.After(w.kratos.lease() + testenv.Limit):
		return errors.New("no token was rejected with 410")
	}
	select {
	case a := <-accepted:
		return fmt.Errorf("the intruder got %d %s", a.status, a.text)
	case <-time.After(3 * time.Second):
		return nil
	}
}

// checkOwner checks that the invitation is accepted, and that the account opens
// with this password and not with the intruder's.
func (w *interruption) checkOwner(ctx context.Context, password string) error {
	w.password = password
	failed, _ := w.each(ctx, 2*w.kratos.lease(), isAccepted)
	if len(failed) > 0 {
		return fmt.Errorf("%q", failed)
	}
	return w.checkIntruderRejected(ctx)
}

func (w *interruption) checkIntruderRejected(ctx context.Context) error {
	if err := w.kratos.SignIn(ctx, w.email, intruder); !errors.Is(err, kratostest.ErrWrongPassword) {
		return fmt.Errorf("the intruder's password: %w", err)
	}
	return nil
}

func (w *interruption) checkNotified(ctx context.Context) error {
	if failed, _ := w.each(ctx, messageTimeout, deliveredOnce("post_password_creation")); len(failed) > 0 {
		return fmt.Errorf("%q", failed)
	}
	return nil
}

// backup returns a backup of the running bridge's store.
func (w *interruption) backup(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+base+"/backup", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := client(w.process.admin).Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func (w *interruption) restore(store []byte) error {
	return os.WriteFile(w.process.store(), store, 0o600)
}

// writes returns how many times the bridge has written to the identity.
func (w *interruption) writes() int {
	return w.fake.Count(http.MethodPut, kratostest.RouteIdentity).Calls
}
