//go:build failpoints

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/outbox"
)

// failpoints ends the process at the failpoints of what it does: before and after
// each call that leaves the rules, to the store, to Kratos, to a hook, to a
// receiver. A failpoint is named for what is going on, the call, and its number
// there: accept.update2.before is before the second commit of an acceptance.
//
// The file that INVITEBRIDGE_FAILPOINT_FILE names says at which one: its name;
// "stop" and its name, which suspends the process there; or "record", which ends
// nothing and notes each that is passed in a second file, named with ".passed"
// behind it. It is read anew at each.
type failpoints struct{ file string }

func newFailpoints() failpoints { return failpoints{os.Getenv("INVITEBRIDGE_FAILPOINT_FILE")} }

// walk is what is going on, and how often each call was made in it.
type walk struct {
	verb  string
	mu    sync.Mutex
	calls map[string]int
}

type walkKey struct{}

func (f failpoints) walking(ctx context.Context, verb string) context.Context {
	return context.WithValue(ctx, walkKey{}, &walk{verb: verb, calls: make(map[string]int)})
}

// watch is a [bridge.Watch].
func (f failpoints) watch(ctx context.Context, call string) (_ context.Context, end func(outcome string)) {
	w, ok := ctx.Value(walkKey{}).(*walk)
	if !ok {
		return ctx, func(string) {}
	}
	w.mu.Lock()
	w.calls[call]++
	name := fmt.Sprintf("%s.%s%d", w.verb, call, w.calls[call])
	w.mu.Unlock()
	f.pass(name + ".before")
	return ctx, func(string) { f.pass(name + ".after") }
}

func (f failpoints) pass(name string) {
	text, err := os.ReadFile(f.file)
	switch armed := strings.TrimSpace(string(text)); {
	case err != nil:
	case armed == name:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it arrives
	case armed == "stop "+name:
		suspend()
	case armed == "record":
		passed, err := os.OpenFile(f.file+".passed", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		_, _ = fmt.Fprintln(passed, name)
		_ = passed.Close()
	}
}

// suspend returns when somebody lets the process go on. The signal may stop the
// other threads first, so the clock must show that it has stopped this one.
func suspend() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	for last := time.Now(); time.Since(last) < time.Second; {
		last = time.Now()
	}
}

func (f failpoints) identities(next bridge.Identities) bridge.Identities {
	return bridge.WatchIdentities(next, f.watch)
}

func (f failpoints) hooks(next bridge.Hooks) bridge.Hooks { return bridge.WatchHooks(next, f.watch) }

// sender: attempts belong to nothing else that goes on.
func (f failpoints) sender(next bridge.Sender) bridge.Sender {
	return bridge.WatchSender(next, func(ctx context.Context, endpoint string) (context.Context, func(string)) {
		return f.watch(f.walking(ctx, "send"), endpoint)
	})
}

// headers are asked for before each HTTP request to Kratos, of which a call may
// make several.
func (f failpoints) headers(next func(context.Context, http.Header)) setHeaders {
	return func(ctx context.Context, h http.Header) {
		_, _ = f.watch(ctx, "request")
		if next != nil {
			next(ctx, h)
		}
	}
}

// codeLifespan has a reactivated account be handed over at once: a wait of a
// minute, the least that can be configured, would be most of what kills take.
func (failpoints) codeLifespan(time.Duration) time.Duration { return 0 }

func (f failpoints) sweep(ctx context.Context) context.Context { return f.walking(ctx, "sweep") }

// handler names what goes on for requests that change something.
func (f failpoints) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			parts := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v1/invite"), "/"), "/")
			verb := "accept"
			switch last := parts[len(parts)-1]; {
			case last == "":
				verb = "invite"
			case len(parts) > 1:
				verb = last
			}
			r = r.WithContext(f.walking(r.Context(), verb))
		}
		next.ServeHTTP(w, r)
	})
}

func (f failpoints) store(next bridge.Store) bridge.Store { return failingStore{next, f} }

type failingStore struct {
	bridge.Store
	failpoints failpoints
}

func (s failingStore) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	ctx, end := s.failpoints.watch(ctx, "update")
	defer end("")
	return s.Store.Update(ctx, fn)
}

func (f failpoints) queue(next outbox.Queue) outbox.Queue { return failingQueue{next, f} }

type failingQueue struct {
	outbox.Queue
	failpoints failpoints
}

func (q failingQueue) ClaimMessages(ctx context.Context, endpoint string, limit int, lease time.Duration) ([]bridge.Claimed, time.Time, error) {
	return q.Queue.ClaimMessages(q.failpoints.walking(ctx, "claim"), endpoint, limit, lease)
}

func (q failingQueue) FinishMessage(ctx context.Context, c bridge.Claimed, r bridge.Result) error {
	return q.Queue.FinishMessage(q.failpoints.walking(ctx, "finish"), c, r)
}
