package kratostest

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Action is what a [Fault] does to a request.
type Action int

// These are the actions. "Before" means that the request has no effect, "after"
// that it has its full effect.
const (
	Pass            Action = iota // no action besides Delay, Hold and Stall
	Answer                        // respond with Status and Body before the effect
	CutBefore                     // reset the connection before the effect
	CutAfter                      // reset the connection after the effect
	CutBody                       // after the effect, close the connection in the middle of the response body
	CommitAndAnswer               // respond with Status and Body after the effect
)

// Fault makes some requests to a [Fake] fail.
type Fault struct {
	Method string    // empty: any
	Route  string    // such as RouteIdentity; empty: any
	ID     uuid.UUID // of the identity; zero: any
	Skip   int       // number of matching requests that pass first
	Times  int       // number of requests that fail then; 0: all

	// Before the effect: Arrived is called, then Delay passes, then Hold must
	// be closed or receive. A client that disconnects meanwhile does not
	// prevent the effect, as in Kratos.
	Arrived func()
	Delay   time.Duration
	Hold    <-chan struct{}

	Do          Action
	Stall       time.Duration // between the effect and the response
	Status      int
	Body        string
	ContentType string // of Body; default: JSON
}

// Count holds the number of requests, and how many of them had an effect, which
// is a 2xx status.
type Count struct{ Calls, Commits int }

type countKey struct{ method, route string }

type faults struct {
	mu     sync.Mutex
	rules  []*rule
	counts map[countKey]Count
}

type rule struct {
	Fault
	seen int
}

// Inject adds a fault. Of several faults that match a request, the first one
// added with times left applies. remove removes the fault.
func (f *Fake) Inject(fault Fault) (remove func()) {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	r := &rule{Fault: fault}
	f.faults.rules = append(f.faults.rules, r)
	return func() {
		f.faults.mu.Lock()
		defer f.faults.mu.Unlock()
		f.faults.rules = slices.DeleteFunc(f.faults.rules, func(other *rule) bool { return other == r })
	}
}

// Count returns the counters of a method and a route. Requests that an injected
// fault affected count as calls.
func (f *Fake) Count(method, route string) Count {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	return f.faults.counts[countKey{method, route}]
}

// pick counts a request and returns the fault that applies to it.
func (s *faults) pick(method string, t target) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := countKey{method, t.route}
	c := s.counts[key]
	c.Calls++
	s.counts[key] = c
	for _, r := range s.rules {
		if r.Method != "" && r.Method != method || r.Route != "" && r.Route != t.route || r.ID != uuid.Nil && r.ID != t.uuid() {
			continue
		}
		if r.Times > 0 && r.seen >= r.Skip+r.Times {
			continue
		}
		if r.seen++; r.seen > r.Skip {
			return r.Fault
		}
	}
	return Fault{}
}

func (s *faults) committed(method, route string, status int) {
	if status < 200 || status > 299 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := countKey{method, route}
	c := s.counts[key]
	c.Commits++
	s.counts[key] = c
}

// wait delays a request. It reports whether the fake is still open.
func (f Fault) wait(closed <-chan struct{}) bool {
	if f.Arrived != nil {
		f.Arrived()
	}
	if !sleep(f.Delay, closed) {
		return false
	}
	if f.Hold == nil {
		return true
	}
	select {
	case <-f.Hold:
		return true
	case <-closed:
		return false
	}
}

func sleep(d time.Duration, closed <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-closed:
		return false
	}
}

// cut resets the connection: the client gets an error, not the end of a stream.
func cut(w http.ResponseWriter) {
	if conn, _, ok := hijack(w); ok {
		conn.Close()
	}
}

func cutInBody(w http.ResponseWriter, answer reply) {
	conn, out, ok := hijack(w)
	if !ok {
		return
	}
	defer conn.Close()
	fmt.Fprintf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		answer.status, http.StatusText(answer.status), typeJSON, len(answer.text)+1, answer.text[:len(answer.text)/2])
	_ = out.Flush()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(-1) // otherwise the reset would overtake the half that was sent
	}
}

func hijack(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, bool) {
	h, ok := w.(http.Hijacker)
	if !ok {
		return nil, nil, false
	}
	conn, out, err := h.Hijack()
	if err != nil {
		return nil, nil, false
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return conn, out, true
}
