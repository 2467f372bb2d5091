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
	"invitebridge/bridge/importer"
	"invitebridge/bridge/instrument"
	"invitebridge/bridge/outbox"
)

// failpoints kills or suspends the process at a named point. There is one before
// and one after each call from the domain to the store, Kratos, a hook or a
// receiver. Its name consists of the operation, the call and the call's number in
// the operation: accept.update2.before is before the second commit of an
// acceptance.
//
// The file named by INVITEBRIDGE_FAILPOINT_FILE selects the failpoint. It is read
// at every failpoint and contains one of: a name, which kills the process there;
// "stop" and a name, which suspends it there; "record", which appends the name of
// every failpoint passed to a second file with the suffix ".passed". Before a kill
// the file is removed, so that one of several processes that share it is killed.
type failpoints struct{ file string }

func newFailpoints() failpoints { return failpoints{os.Getenv("INVITEBRIDGE_FAILPOINT_FILE")} }

// wallShift is set by INVITEBRIDGE_FAILPOINT_CLOCK, a duration: a machine whose clock is
// wrong by that.
var wallShift, _ = time.ParseDuration(os.Getenv("INVITEBRIDGE_FAILPOINT_CLOCK"))

func wallClock() time.Time { return time.Now().Add(wallShift) }

// operation is an operation in progress. It counts the calls made in it.
type operation struct {
	verb  string
	mu    sync.Mutex
	calls map[string]int
}

type operationKey struct{}

func (f failpoints) withOperation(ctx context.Context, verb string) context.Context {
	return context.WithValue(ctx, operationKey{}, &operation{verb: verb, calls: make(map[string]int)})
}

// observe is an [instrument.Observer].
func (f failpoints) observe(ctx context.Context, call string) (_ context.Context, end func(outcome string)) {
	w, ok := ctx.Value(operationKey{}).(*operation)
	if !ok {
		return ctx, func(string) {}
	}
	w.mu.Lock()
	w.calls[call]++
	name := fmt.Sprintf("%s.%s%d", w.verb, call, w.calls[call])
	w.mu.Unlock()
	f.hit(name + ".before")
	return ctx, func(string) { f.hit(name + ".after") }
}

func (f failpoints) hit(name string) {
	text, err := os.ReadFile(f.file)
	switch armed := strings.TrimSpace(string(text)); {
	case err != nil:
	case armed == name && os.Remove(f.file) == nil:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
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

// suspend stops the process and returns after SIGCONT. SIGSTOP may stop other
// threads first, so suspend waits until a gap in the clock shows that this thread
// was stopped.
func suspend() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	for last := time.Now(); time.Since(last) < time.Second; {
		last = time.Now()
	}
}

func (f failpoints) identities(next bridge.Identities) bridge.Identities {
	return instrument.Identities(next, f.observe)
}

func (f failpoints) hooks(next bridge.Hooks) bridge.Hooks {
	return instrument.Hooks(next, f.observe)
}

// sender makes each attempt an operation of its own.
func (f failpoints) sender(next bridge.Sender) bridge.Sender {
	return instrument.Sender(next, func(ctx context.Context, endpoint string) (context.Context, func(string)) {
		return f.observe(f.withOperation(ctx, "send"), endpoint)
	})
}

// headers has a failpoint before each HTTP request to Kratos, because one call may
// make several.
func (f failpoints) headers(next func(context.Context, http.Header)) setHeaders {
	return func(ctx context.Context, h http.Header) {
		_, _ = f.observe(ctx, "request")
		if next != nil {
			next(ctx, h)
		}
	}
}

// codeLifespan lets reactivated accounts be accepted at once: a wait of a minute,
// the shortest that can be configured, would take most of the tests' time.
func (failpoints) codeLifespan(time.Duration) time.Duration { return 0 }

func (f failpoints) sweep(ctx context.Context) context.Context { return f.withOperation(ctx, "sweep") }

// handler makes each POST request an operation named after its route, and each DELETE
// one that is named forget.
func (f failpoints) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodDelete:
			r = r.WithContext(f.withOperation(r.Context(), "forget"))
		case http.MethodPost:
			parts := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v1/invite"), "/"), "/")
			verb := "accept"
			switch last := parts[len(parts)-1]; {
			case last == "":
				verb = "invite"
			case last == "imports":
				verb = "load"
			case len(parts) > 1:
				verb = last
			}
			r = r.WithContext(f.withOperation(r.Context(), verb))
		}
		next.ServeHTTP(w, r)
	})
}

// imports makes each step of the imports an operation.
func (f failpoints) imports(next importer.Imports) importer.Imports { return failingImports{next, f} }

type failingImports struct {
	importer.Imports
	failpoints failpoints
}

func (i failingImports) RunImports(ctx context.Context) (next time.Time, err error) {
	return i.Imports.RunImports(i.failpoints.withOperation(ctx, "import"))
}

func (f failpoints) store(next bridge.Store) bridge.Store { return failingStore{next, f} }

type failingStore struct {
	bridge.Store
	failpoints failpoints
}

func (s failingStore) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	ctx, end := s.failpoints.observe(ctx, "update")
	defer end("")
	return s.Store.Update(ctx, fn)
}

func (f failpoints) queue(next outbox.Queue) outbox.Queue { return failingQueue{next, f} }

type failingQueue struct {
	outbox.Queue
	failpoints failpoints
}

func (q failingQueue) ClaimMessages(ctx context.Context, endpoint string, limit int, lease time.Duration) ([]bridge.ClaimedMessage, time.Time, error) {
	return q.Queue.ClaimMessages(q.failpoints.withOperation(ctx, "claim"), endpoint, limit, lease)
}

func (q failingQueue) FinishMessages(ctx context.Context, finished ...bridge.FinishedMessage) error {
	return q.Queue.FinishMessages(q.failpoints.withOperation(ctx, "finish"), finished...)
}
