package kratostest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The routes of a [Fake], as [Fault] and counters name them.
const (
	RouteIdentities = "/admin/identities"
	RouteIdentity   = "/admin/identities/{id}"
	RouteReady      = "/admin/health/ready"
)

const maxFakeBody = 1 << 20

// FakeOptions shape a [Fake].
type FakeOptions struct {
	// ExternalIDs makes the fake know external_id, and patch an identity that
	// holds a number too large for floating point, as Kratos does since v25.4.
	// Without, it refuses both, as v1.3.1 does.
	ExternalIDs bool
}

// Fake behaves as the admin API of Kratos does, as far as the bridge uses it,
// and keeps identities in memory, passwords in clear. It listens on 127.0.0.1.
// All methods are safe for concurrent use.
//
// It decodes as strictly as Kratos, compares identifiers in lower case, makes an
// identity active unless told otherwise, takes a PUT for the whole identity, and
// answers 500 to a password of more than 72 bytes. It has no self-service, no
// lists, a PATCH for verifiable addresses alone, and hashes nothing. Its writes
// come one after the other, where Kratos' may overwrite each other.
type Fake struct {
	URL string // of the admin API; stays the same for life

	rawAdmin
	options  FakeOptions
	identity *fakeStore
	faults   faults

	mu     sync.Mutex
	server *http.Server // nil while down
	port   net.Listener
	served sync.WaitGroup
	close  sync.Once
	closed chan struct{}
}

// NewFake starts a Fake. Close it in the end.
func NewFake(o FakeOptions) (*Fake, error) {
	f := &Fake{options: o, identity: newFakeStore(), closed: make(chan struct{})}
	f.faults.counts = map[countKey]Count{}
	f.rawAdmin = rawAdmin{send: f.sendAdmin}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("kratostest: %w", err)
	}
	f.URL = "http://" + l.Addr().String()
	f.serve(l)
	return f, nil
}

func (f *Fake) serve(l net.Listener) {
	server := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	f.server, f.port = server, l
	f.served.Go(func() { _ = server.Serve(l) })
}

// Down closes the port and every connection: from now on, dialling is refused.
func (f *Fake) Down() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server != nil {
		_ = f.port.Close() // the server may not know of it yet
		_ = f.server.Close()
		f.server = nil
	}
}

// Up opens the same port again after Down.
func (f *Fake) Up() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server != nil {
		return nil
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", u.Host)
	if err != nil {
		return fmt.Errorf("kratostest: %w", err)
	}
	f.serve(l)
	return nil
}

// Close ends the Fake. Requests that a [Fault] holds end without an effect.
func (f *Fake) Close() {
	f.close.Do(func() { close(f.closed) })
	f.Down()
	f.served.Wait()
}

// ServeHTTP is the admin API.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxFakeBody))
	if err != nil {
		return
	}
	route := routeOf(r.URL.Path)
	fault := f.faults.pick(r.Method, route)
	if !fault.wait(f.closed) {
		cut(w)
		return
	}
	switch fault.Do {
	case CutBefore:
		cut(w)
		return
	case Answer:
		reply{status: fault.Status, text: fault.Body, contentType: fault.ContentType}.write(w)
		return
	default: // the others begin with the effect
	}
	answer := f.handle(r.Method, r.URL, r.Header.Get("Content-Type"), body)
	f.faults.committed(r.Method, route, answer.status)
	if !sleep(fault.Stall, f.closed) {
		cut(w)
		return
	}
	switch fault.Do {
	case CutAfter:
		cut(w)
	case CutBody:
		cutInBody(w, answer)
	case CommitAndAnswer:
		reply{status: fault.Status, text: fault.Body, contentType: fault.ContentType}.write(w)
	default:
		answer.write(w)
	}
}

// sendAdmin is the road past all faults and counters.
func (f *Fake) sendAdmin(_ context.Context, method, path string, body []byte) (int, []byte, error) {
	u, err := url.Parse(path)
	if err != nil {
		return 0, nil, err
	}
	answer := f.handle(method, u, "application/json", body)
	return answer.status, []byte(answer.text), nil
}

// SignIn compares a password. ErrWrongPassword, ErrInactive.
func (f *Fake) SignIn(_ context.Context, email, password string) error {
	i, ok := f.identity.byIdentifier(methodPassword, email)
	switch {
	case !ok || i.password == "" || i.password != password:
		return ErrWrongPassword
	case i.State != "active":
		return ErrInactive
	}
	return nil
}

// Len gives the number of identities.
func (f *Fake) Len() int { return f.identity.len() }

// Find gives the id of the identity that has email as an identifier.
func (f *Fake) Find(email string) (uuid.UUID, error) {
	i, ok := f.identity.byIdentifier(methodPassword, email)
	if !ok {
		return uuid.Nil, errors.New("kratostest: no such identity")
	}
	return i.ID, nil
}

// reply is an answer on its way.
type reply struct {
	status      int
	text        string
	contentType string
}

const (
	typeJSON = "application/json; charset=utf-8"
	typeText = "text/plain; charset=utf-8"
)

func jsonReply(status int, value any) reply {
	text, err := json.Marshal(value)
	if err != nil {
		return reply{status: http.StatusInternalServerError, text: err.Error(), contentType: typeText}
	}
	return reply{status: status, text: string(text), contentType: typeJSON}
}

func (r reply) write(w http.ResponseWriter) {
	if r.contentType == "" {
		r.contentType = typeJSON
	}
	w.Header().Set("Content-Type", r.contentType)
	w.WriteHeader(r.status)
	if r.status != http.StatusNoContent {
		_, _ = io.WriteString(w, r.text)
	}
}
