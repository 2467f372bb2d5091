package kratostest

import (
	"net/http"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// maxLog is how many requests a Fake remembers for certain.
const maxLog = 100_000

// Request is one that a [Fake] carried out or refused by itself.
type Request struct {
	Method     string
	Route      string    // such as RouteIdentity
	ID         uuid.UUID // the identity's, the new one's after a create; zero where there is none
	Credential string    // the type, of RouteCredential
	Identifier string    // ?identifier=, of RouteCredential
	Body       string
	Status     int // of the fake's own answer, whatever a Fault made of it
}

// IsWrite says whether the request may have changed something.
func (r Request) IsWrite() bool { return r.Method != http.MethodGet }

type requestLog struct {
	mu    sync.Mutex // held over an effect too, for the order
	n     int
	all   []Request
	after func(n int, r Request)
}

// Log gives the requests for identities since the last ResetLog, in the order in
// which they had their effect. Those that a [Fault] kept from it, those to
// RouteReady, and those of [Admin] are not among them. Of more than a hundred
// thousand, the oldest are forgotten.
func (f *Fake) Log() []Request {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	return slices.Clone(f.log.all)
}

// ResetLog empties the log; the next request is the first.
func (f *Fake) ResetLog() {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	f.log.n, f.log.all = 0, nil
}

// After calls then for every request of the log once it had its effect, and
// before it is answered: n is 1 for the first. It may do anything with the fake
// but Close it. Requests at once make calls at once. Nil ends it.
func (f *Fake) After(then func(n int, r Request)) {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	f.log.after = then
}

// record runs the effect of a request and logs it. It gives what is to be called
// before the answer.
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
