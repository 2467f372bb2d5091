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

// These are the routes of a [Fake], as in [Fault], Count and [Request].
const (
	RouteIdentities = "/admin/identities"
	RouteIdentity   = "/admin/identities/{id}"
	RouteSessions   = "/admin/identities/{id}/sessions"
	RouteCredential = "/admin/identities/{id}/credentials/{type}"
	RouteReady      = "/admin/health/ready"
)

const maxFakeBody = 8 << 20

// FakeOptions configure a [Fake]. The zero value behaves like v1.3.1 on SQLite.
type FakeOptions struct {
	// ExternalIDs makes the fake behave like Kratos v25.4 and later, which
	// support external_id. v1.3.1 rejects the field, SAML, the deletion of a
	// password, and a patch of an identity that contains a number too large for
	// floating point; later versions reject the deletion of the last first
	// factor. v1.3.1 also undoes a whole batch because of one conflict, and
	// reports the others as created.
	ExternalIDs bool

	// CodeLogin corresponds to methods.code.passwordless_enabled: one-time
	// codes count as a first factor of every identity.
	CodeLogin bool

	// Now is the clock; nil: time.Now. Each write is later than the one before.
	Now func() time.Time

	// Zone is the time zone of a Kratos on PostgreSQL, up to v26.2: GET shows
	// the local wall clock time as state_changed_at, marked as UTC. Nil: UTC.
	Zone *time.Location

	// Precision is that of times in the database: 0 for SQLite, which stores
	// state_changed_at in nanoseconds, time.Microsecond for PostgreSQL,
	// time.Second for MySQL.
	Precision time.Duration

	// Schemas are additional schemas by id. They may use only the keywords of
	// the schemas in files/.
	Schemas map[string]string

	schemas map[string]*fakeSchema // all schemas, parsed

	// NoStateChangedAt creates identities without state_changed_at. A change of
	// the state sets it.
	NoStateChangedAt bool
}

// Fake behaves like the admin API of Kratos, as far as the bridge uses it. It
// keeps identities in memory, with passwords in plain text, and listens on
// 127.0.0.1. All methods are safe for concurrent use.
//
// Like Kratos, it decodes strictly, compares identifiers in lower case, creates
// identities active by default, treats a PUT as the whole identity, and answers
// 500 to a password of more than 72 bytes. It has the schemas of every Server
// and also MemberSchema. It has no self-service API, no list of all identities
// and no PATCH of credentials, and hashes nothing. Its writes are serialized,
// whereas those of Kratos may overwrite each other.
type Fake struct {
	URL string // of the admin API, and of the supported part of the public API; never changes

	rawAdmin
	options  FakeOptions
	identity *fakeStore
	codes    fakeCodes
	faults   faults
	log      requestLog

	clock  sync.Mutex
	latest time.Time // time of the latest write

	mu     sync.Mutex
	server *http.Server // nil while down
	port   net.Listener
	served sync.WaitGroup
	close  sync.Once
	closed chan struct{}
}

// NewFake starts a Fake. The caller must Close it.
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

// Down closes the port and every connection, so that new connections are
// refused.
func (f *Fake) Down() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server != nil {
		_ = f.port.Close() // the server may not know the listener yet
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

// Close stops the Fake. Requests that a [Fault] holds end without an effect.
func (f *Fake) Close() {
	f.close.Do(func() { close(f.closed) })
	f.Down()
	f.served.Wait()
}

// ServeHTTP serves the admin API.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxFakeBody))
	if err != nil {
		return
	}
	if answer, ok := f.public(r, body); ok {
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
	default: // the other actions begin with the effect
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

// sendAdmin bypasses all faults and counters.
func (f *Fake) sendAdmin(_ context.Context, method, path string, body []byte) (int, []byte, error) {
	u, err := url.Parse(path)
	if err != nil {
		return 0, nil, err
	}
	answer := f.handle(method, u, "application/json", body)
	return answer.status, []byte(answer.text), nil
}

// reply is a response of the fake.
type reply struct {
	status      int
	text        string
	contentType string
	id          uuid.UUID // of a created identity
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
