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

	"invitebridge/kratos/kratostest"
)

// wreck is one acceptance that is interrupted, and its invitation.
type wreck struct {
	*trial
	*subject
	fake  *kratostest.Fake // nil: Kratos is a real one
	round int
	owner string // the password that the owner of the account has chosen since
}

// intruder is a password that somebody else sends with a token of the invitation.
const intruder = "Pass-of-somebody-else"

// newWreck starts a bridge, on a fake of its own unless there is a real Kratos.
func newWreck(t *testing.T, binary string, round int, server *kratostest.Server) (*wreck, func(), error) {
	w := &wreck{round: round, owner: "Owner-" + uuid.NewString()}
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

func (w *wreck) inviteFor(ctx context.Context, lifespan time.Duration) error {
	return inviteFor(ctx, w.trial, w.subject, lifespan.String())
}

// landed has the bridge killed when Kratos has the password, and the bridge has
// not noted it; then the owner changes the password. Over is when the lease of
// the claim is.
func (w *wreck) landed(ctx context.Context, lifespan time.Duration) (over time.Time, err error) {
	if err := w.inviteFor(ctx, lifespan); err != nil {
		return over, err
	}
	if err := landClaim(ctx, w.trial, w.subject); err != nil {
		return over, err
	}
	return time.Now().Add(w.kratos.lease()), errors.Join(w.process.arm(""), w.kratos.setPassword(ctx, w.subject, w.owner))
}

// besiege has two clients send their token and the password of an intruder, from
// before the bridge starts until it has answered 410 and a while longer. It gives
// an error if one of them is answered 200, or none 410.
func (w *wreck) besiege(ctx context.Context) error {
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
	if w.process.gone() {
		if err := w.process.start(ctx); err != nil {
			return err
		}
	}
	select {
	case <-gone:
	case a := <-accepted:
		return fmt.Errorf("the intruder was answered %d %s", a.status, a.text)
	case <-time.After(w.kratos.lease() + messagePatience):
		return errors.New("no token is dead")
	}
	select {
	case a := <-accepted:
		return fmt.Errorf("the intruder was answered %d %s", a.status, a.text)
	case <-time.After(3 * time.Second):
		return nil
	}
}

// belongs checks that the invitation is accepted, and that a password and none
// of the intruder opens the account.
func (w *wreck) belongs(ctx context.Context, password string) error {
	w.password = password
	failed, _ := w.each(ctx, 2*w.kratos.lease(), isAccepted)
	if len(failed) > 0 {
		return fmt.Errorf("%q", failed)
	}
	return w.keepsOut(ctx)
}

func (w *wreck) keepsOut(ctx context.Context) error {
	if err := w.kratos.SignIn(ctx, w.email, intruder); !errors.Is(err, kratostest.ErrWrongPassword) {
		return fmt.Errorf("the intruder's password: %w", err)
	}
	return nil
}

func (w *wreck) notified(ctx context.Context) error {
	if failed, _ := w.each(ctx, messagePatience, toldOnce("post_password_creation")); len(failed) > 0 {
		return fmt.Errorf("%q", failed)
	}
	return nil
}

// backup takes a copy of the store of the running bridge.
func (w *wreck) backup(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.process.admin+base+"/backup", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func (w *wreck) restore(store []byte) error { return os.WriteFile(w.process.store(), store, 0o600) }

// writes counts what the bridge has written to the identity.
func (w *wreck) writes() int { return w.fake.Count(http.MethodPut, kratostest.RouteIdentity).Calls }
