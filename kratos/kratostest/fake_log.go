package kratostest

import (
	"net/http"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// maxLog is the number of requests that a Fake certainly remembers.
const maxLog = 100_000

// Request is a request that a [Fake] processed.
type Request struct {
	Method     string
	Route      string    // such as RouteIdentity
	ID         uuid.UUID // of the identity, after a create of the new one; zero if there is none
	Credential string    // credential type, for RouteCredential
	Identifier string    // ?identifier=, for RouteCredential
	Body       string
	Status     int // of the fake's own response, before a Fault changed it
}

// IsWrite reports whether the request may have changed something.
func (r Request) IsWrite() bool { return r.Method != http.MethodGet }

type requestLog struct {
	mu    sync.Mutex // also held during the effect, for the order
	n     int
	all   []Request
	after func(n int, r Request)
}

// Log returns the requests for identities since the last ResetLog, in the order
// of their effects. It omits requests that a [Fault] kept from having an
// effect, those to RouteReady, and those made through [Admin]. Beyond a hundred
// thousand requests, it drops the oldest.
func (f *Fake) Log() []Request {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	return slices.Clone(f.log.all)
}

// ResetLog empties the log and restarts its numbering.
func (f *Fake) ResetLog() {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	f.log.n, f.log.all = 0, nil
}

// After calls then for every logged request, after its effect and before its
// response; n is 1 for the first. then may use the fake in any way except
// Close. Concurrent requests call it concurrently. Nil removes it.
func (f *Fake) After(then func(n int, r Request)) {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	f.log.after = then
}

// record runs and logs the effect of a request. It returns a function to call
// before the response.
func (l *requestLog) record(r Request, effect func() reply) (answer reply, then func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer = effect()
	if r.Route == RouteReady {
		return answer, func() {}
	}
	r.Status = answer.status
	if answer.id != uuid.Nil {
		r.ID = answer.id
	}
	if len(l.all) >= 2*maxLog {
		l.all = slices.Clone(l.all[maxLog:])
	}
	l.all = append(l.all, r)
	l.n++
	n, after := l.n, l.after
	return answer, func() {
		if after != nil {
			after(n, r)
		}
	}
}
