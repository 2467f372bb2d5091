package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// acceptLoad is two clients that send a token and a password until finish, and
// record when they are answered 200.
type acceptLoad struct {
	mu       sync.Mutex
	accepted []time.Time
	sent     int
	clients  sync.WaitGroup
	stop     context.CancelFunc
}

func (w *interruption) startLoad(ctx context.Context) *acceptLoad {
	f := &acceptLoad{}
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

func (f *acceptLoad) finish() (accepted []time.Time, sent int) {
	f.stop()
	f.clients.Wait()
	return f.accepted, f.sent
}

func refuse(w http.ResponseWriter) {
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, `{"messages":[{"messages":[{"id":1,"text":"not today","type":"error"}]}]}`)
}

// TestRevokeUnderFire: a revocation takes effect while clients keep accepting and
// a blocking hook is slow. It does not wait until they stop.
func TestRevokeUnderFire(t *testing.T) {
	testenv.SkipIfShort(t, slowReason)
	t.Parallel()
	binary, remove, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	const hook = 2500 * time.Millisecond
	for name, answer := range map[string]func(http.ResponseWriter){"agrees": agree, "refuses": refuse} {
		t.Run("a hook that "+name, func(t *testing.T) {
			t.Parallel()
			w := newLoadedInvitation(t, binary, 48*time.Hour)
			asked := make(chan struct{})
			ask := sync.OnceFunc(func() { close(asked) })
			w.env.setHookAnswer(w.id, func(rw http.ResponseWriter) {
				ask()
				time.Sleep(hook)
				answer(rw)
			})
			f := w.startLoad(t.Context())
			<-asked
			begin := time.Now()
			a, err := call(t.Context(), http.MethodPost, w.process.admin, "/"+w.id.String()+"/revoke", nil)
			if err != nil || a.status != http.StatusAccepted {
				t.Fatalf("%d %s, %v", a.status, a.text, err)
			}
			if err := w.preview(t.Context(), w.tokens[0], http.StatusGone); err != nil {
				t.Errorf("the token after the answer: %v", err)
			}
			for a.State != "revoked" && time.Since(begin) < testenv.Limit {
				time.Sleep(10 * time.Millisecond)
				if a, err = w.get(t.Context(), w.subject); err != nil {
					t.Fatal(err)
				}
			}
			took := time.Since(begin)
			time.Sleep(hook)
			accepted, sent := f.finish()
			if a.State != "revoked" || len(accepted) > 0 || w.writes() > 0 {
				t.Errorf("%s after %v; accepted %v; %d writes", a.State, took, accepted, w.writes())
			}
			if err := hasEnded("revoked")(t.Context(), w.trial, w.subject); err != nil {
				t.Error(err)
			}
			t.Logf("revoked %v after the request, during %d attempts", took.Round(time.Millisecond), sent)
		})
	}
}

// TestExpireUnderFire: Kratos fails every write until an invitation has expired.
// Clients that keep accepting must not succeed after that.
func TestExpireUnderFire(t *testing.T) {
	testenv.SkipIfShort(t, slowReason)
	t.Parallel()
	binary, remove, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	w := newLoadedInvitation(t, binary, 8*time.Second)
	heal := w.fake.Inject(kratostest.Fault{Method: http.MethodPut, Route: kratostest.RouteIdentity, Do: kratostest.Answer, Status: http.StatusInternalServerError})
	f := w.startLoad(t.Context())
	time.Sleep(time.Until(w.until) + w.kratos.lease()) // what began in time has ended
	heal()
	failed := w.writes()
	expired := hasEnded("expired")
	testenv.Eventually(t, "a sweep resolves the last claim", func() bool { return expired(t.Context(), w.trial, w.subject) == nil })
	accepted, sent := f.finish()
	for _, at := range accepted {
		t.Errorf("accepted %v after its expiry", at.Sub(w.until))
	}
	if failed < 2 {
		t.Errorf("only %d writes failed: too few to prove anything", failed)
	}
	if err := expired(t.Context(), w.trial, w.subject); err != nil {
		t.Error(err)
	}
	t.Logf("%d attempts, %d writes, %d of them before Kratos recovered", sent, w.writes(), failed)
}

// newLoadedInvitation starts a bridge with a fake Kratos and creates an invitation.
func newLoadedInvitation(t *testing.T, binary string, lifespan time.Duration) *interruption {
	t.Helper()
	w, remove, err := newInterruption(t, binary, 0, nil)
	if err == nil {
		t.Cleanup(remove)
		err = w.inviteFor(t.Context(), lifespan)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("creating the invitation: %w", err))
	}
	return w
}
