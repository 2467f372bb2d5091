package kratostest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The routes of a [Fake], as [Fault], counters and [Request] name them.
const (
	RouteIdentities = "/admin/identities"
	RouteIdentity   = "/admin/identities/{id}"
	RouteSessions   = "/admin/identities/{id}/sessions"
	RouteCredential = "/admin/identities/{id}/credentials/{type}"
	RouteReady      = "/admin/health/ready"
)

const maxFakeBody = 1 << 20

// FakeOptions shape a [Fake]. The zero value is v1.3.1 on SQLite.
type FakeOptions struct {
	// ExternalIDs makes the fake behave as Kratos does since v25.4, which brought
	// external_id: v1.3.1 refuses the field, and SAML, and to delete a password,
	// and to patch an identity that holds a number too large for floating point;
	// later ones refuse to delete what is the last first factor.
	ExternalIDs bool

	// CodeLogin is methods.code.passwordless_enabled, with which one-time codes
	// count as everybody's first factor.
	CodeLogin bool

	// Now is the clock; nil: time.Now. The time of a write is always later than
	// that of the one before.
	Now func() time.Time

	// Zone is the time zone of a Kratos on PostgreSQL, up to v26.2: GET shows
	// state_changed_at as the wall clock there, marked as UTC. Nil: UTC.
	Zone *time.Location

	// Precision is that of the database's times: 0 for SQLite, which keeps
	// state_changed_at to the nanosecond, time.Microsecond for PostgreSQL,
	// time.Second for MySQL.
	Precision time.Duration

	// Schemas are further ones, by their ids, of no more keywords than those in
	// files/ have.
	Schemas map[string]string

	schemas map[string]*fakeSchema // all there are

	// NoStateChangedAt makes identities begin without state_changed_at. A change
	// of their state sets it.
	NoStateChangedAt bool
}

// Fake behaves as the admin API of Kratos does, as far as the bridge uses it,
// and keeps identities in memory, passwords in clear. It listens on 127.0.0.1.
// All methods are safe for concurrent use.
//
// It decodes as strictly as Kratos, compares identifiers in lower case, makes an
// identity active unless told otherwise, takes a PUT for the whole identity,
// patches as Kratos does, and answers 500 to a password of more than 72 bytes.
// Beside the schemas of every server it knows that of the one with every method.
// It has no self-service, no list of all identities, no PATCH of credentials, and
// hashes nothing. Its writes come one after the other, where Kratos' may
// overwrite each other.
type Fake struct {
	URL string // of the admin API, and of what there is of the public one; stays the same for life

	rawAdmin
	options  FakeOptions
	identity *fakeStore
	faults   faults
	log      requestLog

	clock  sync.Mutex
	latest time.Time // write

	mu     sync.Mutex
	server *http.Server // nil while down
	port   net.Listener
	served sync.WaitGroup
	close  sync.Once
	closed chan struct{}
}

// NewFake starts a Fake. Close it in the end.
func NewFake(o FakeOptions) (*Fake, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	var err error
	if o.schemas, err = parseFakeSchemas(o.Schemas); err != nil {
		return nil, err
	}
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
	if answer, ok := f.public(r.URL.Path); ok && r.Method == http.MethodGet {
		answer.write(w)
		return
	}
	target := targetOf(r.URL.Path)
	fault := f.faults.pick(r.Method, target)
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
	answer, then := f.log.record(requestOf(r.Method, r.URL, string(body)), func() reply {
		return f.handle(r.Method, r.URL, r.Header.Get("Content-Type"), body)
	})
	f.faults.committed(r.Method, target.route, answer.status)
	then()
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

// reply is an answer on its way.
type reply struct {
	status      int
	text        string
	contentType string
	id          uuid.UUID // of a new identity
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
