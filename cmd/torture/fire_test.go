package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"invitebridge/kratos/kratostest"
)

// fire has two clients send a token and a password until stop, and notes when
// they were answered 200.
type fire struct {
	mu       sync.Mutex
	accepted []time.Time
	sent     int
	clients  sync.WaitGroup
	stop     context.CancelFunc
}

func (w *wreck) underFire(ctx context.Context) *fire {
	f := &fire{}
	ctx, f.stop = context.WithCancel(ctx)
	for range 2 {
		f.clients.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
				a, err := call(ctx, http.MethodPost, w.process.public, "/"+w.tokens[0], map[string]any{"password": w.password})
				f.mu.Lock()
				f.sent++
				if err == nil && a.status == http.StatusOK {
					f.accepted = append(f.accepted, time.Now())
				}
				f.mu.Unlock()
			}
		})
	}
	return f
}

func (f *fire) end() (accepted []time.Time, sent int) {
	f.stop()
	f.clients.Wait()
	return f.accepted, f.sent
}

func refuse(w http.ResponseWriter) {
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, `{"messages":[{"messages":[{"id":1,"text":"not today","type":"error"}]}]}`)
}

// TestRevokeUnderFire revokes while clients never stop accepting and a hook takes
// its time: nobody has to wait until they leave.
func TestRevokeUnderFire(t *testing.T) {
	t.Parallel()
	binary, remove, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	const hook, most = 2500 * time.Millisecond, 5 * time.Second
	for name, answer := range map[string]func(http.ResponseWriter){"consents": consent, "refuses": refuse} {
		t.Run("a hook that "+name, func(t *testing.T) {
			t.Parallel()
			w := newFire(t, binary, 48*time.Hour)
			asked := make(chan struct{})
			ask := sync.OnceFunc(func() { close(asked) })
			w.world.answer(w.id, func(rw http.ResponseWriter) {
				ask()
				time.Sleep(hook)
				answer(rw)
			})
			f := w.underFire(t.Context())
			<-asked
			begin := time.Now()
			a, err := call(t.Context(), http.MethodPost, w.process.admin, "/"+w.id.String()+"/revoke", nil)
			if err != nil || a.status != http.StatusAccepted {
				t.Fatalf("%d %s, %v", a.status, a.text, err)
			}
			if err := w.look(t.Context(), w.tokens[0], http.StatusGone); err != nil {
				t.Errorf("the token after the answer: %v", err)
			}
			for a.State != "revoked" && time.Since(begin) < 3*most {
				time.Sleep(10 * time.Millisecond)
				if a, err = w.get(t.Context(), w.subject); err != nil {
					t.Fatal(err)
				}
			}
			took := time.Since(begin)
			time.Sleep(hook)
			accepted, sent := f.end()
			if took > most || len(accepted) > 0 || w.writes() > 0 {
				t.Errorf("%s after %v; accepted %v; %d writes", a.State, took, accepted, w.writes())
			}
			if err := hasEnded("revoked")(t.Context(), w.trial, w.subject); err != nil {
				t.Error(err)
			}
			t.Logf("revoked %v after it was asked for, under %d attempts", took.Round(time.Millisecond), sent)
		})
	}
}

// TestExpireUnderFire has Kratos fail every write, until an invitation that
// clients never stop accepting has expired: none of them gets it then.
func TestExpireUnderFire(t *testing.T) {
	t.Parallel()
	binary, remove, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	w := newFire(t, binary, 8*time.Second)
	heal := w.fake.Inject(kratostest.Fault{Method: http.MethodPut, Route: kratostest.RouteIdentity, Do: kratostest.Answer, Status: http.StatusInternalServerError})
	f := w.underFire(t.Context())
	time.Sleep(time.Until(w.until) + 2*time.Second) // what began in time has ended
	heal()
	failed := w.writes()
	time.Sleep(w.kratos.lease() + 5*time.Second + prompt) // the last claim is settled by a sweep
	accepted, sent := f.end()
	for _, at := range accepted {
		t.Errorf("accepted %v after its expiry", at.Sub(w.until))
	}
	if failed < 2 {
		t.Errorf("only %d writes failed: that proves nothing", failed)
	}
	if err := hasEnded("expired")(t.Context(), w.trial, w.subject); err != nil {
		t.Error(err)
	}
	t.Logf("%d attempts, %d writes, %d of them until Kratos was well again", sent, w.writes(), failed)
}

// newFire is an invitation of a bridge with a fake.
func newFire(t *testing.T, binary string, lifespan time.Duration) *wreck {
	t.Helper()
	w, remove, err := newWreck(t, binary, 0, nil)
	if err == nil {
		t.Cleanup(remove)
		err = w.inviteFor(t.Context(), lifespan)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("no invitation: %w", err))
	}
	return w
}
