package httpapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
)

// Config configures both handlers.
type Config struct {
	BasePath string // of the API on both listeners, such as /api/v1/invite
	// PublicURL is the URL under which invitees reach the public listener. It
	// appears in the OpenAPI document, its scheme decides about HSTS, and the
	// public listener also serves its routes below its path.
	PublicURL    string
	LoginURL     string // where invitees go after accepting, unless return_to is set
	AutoRedirect bool   // the page redirects to LoginURL by itself
	// RecoveryURL is where Kratos' recovery forms are sent, without the flow. Empty:
	// the page cannot send one, and shows the code instead.
	RecoveryURL string
	// NoLogin reports whether LoginURL is known not to serve a login page; the
	// invitee's page then does not link to it. Nil: LoginURL serves one.
	NoLogin        func(context.Context) bool
	APIKeys        []APIKey // the initial keys, see [API.SetAPIKeys]
	TrustedProxies []netip.Prefix
	// TrustUnixPeers treats every peer of a unix socket as a trusted proxy.
	TrustUnixPeers bool
	RateLimit      RateLimit
	// Inviters adds the routes for inviters with a session to the public listener. Nil:
	// they do not exist.
	Inviters *Inviters
	// MaxImportSize limits the file of an import, in bytes. Zero: 256 MiB.
	MaxImportSize  int64
	AllowedOrigins []string   // for CORS on the public listener; empty: no CORS
	Page           *page.Page // the initial page, see [API.SetPage]
	Version        string
	Log            *slog.Logger
	Now            func() time.Time // the wall clock; nil: time.Now
	// Metrics serves GET /metrics/prometheus on the admin listener; it requires
	// an API key. Nil: the route does not exist.
	Metrics http.Handler
	// KeyUsed is called with the name of the API key of each request that has a valid
	// one. It must not block. Nil: it is not called.
	KeyUsed func(name string)
	// Observe is called once per finished request. It must not block. Nil:
	// requests are not observed.
	Observe func(RequestRecord)
	// Trace starts the span of a request. It returns the context for handling
	// the request, the trace id for the log, and a function to call when the
	// request is finished. remote holds the request's headers if the sender is
	// trusted, else nil. Nil: requests are not traced.
	Trace func(ctx context.Context, remote http.Header) (_ context.Context, traceID string, end func(RequestRecord))
}

// RequestRecord describes a finished request for logs, metrics and traces. All
// fields have bounded cardinality; none holds text chosen by the client.
type RequestRecord struct {
	Listener string // "public" or "admin"
	Method   string // in capitals; "other" if it is not a standard method
	Route    string // the pattern; empty if no route matched
	Status   int    // 0 if the connection was closed without a response
	Took     time.Duration
}

// APIKey is a key of the admin listener. Several can have one name: that of a caller
// which changes from one to the other.
type APIKey struct {
	Name      string // appears in logs and metrics
	SHA256    [sha256.Size]byte
	Scopes    []Scope   // nil: all
	ExpiresAt time.Time // from then on it is refused like an unknown one; zero: never
	// RateLimit is shared by the keys of one name, so they should have the same.
	RateLimit RateLimit
	// MaxPending is how many invitations that were created with keys of this name may be
	// pending; 0: any number. Imports are not counted against it: keys with the scope for
	// them should have none.
	MaxPending int
}

// RateLimit limits requests that may change something: on the public listener per client
// address, on the admin listener per name of an API key. Zero Requests means no limit.
type RateLimit struct {
	Requests int
	Window   time.Duration
}

// API builds the handlers of both listeners. Its methods are safe for
// concurrent use.
type API struct {
	service   *bridge.Service
	config    Config
	keys      atomic.Pointer[[]APIKey]
	page      atomic.Pointer[page.Page]
	document  []byte // the body of GET /openapi.json
	ready     readiness
	limits    *limiter[netip.Prefix] // of clients of the public listener
	keyLimits *limiter[string]       // of API keys, by name
	// inviterLimits is of inviters with a session, by identity.
	inviterLimits *limiter[uuid.UUID]
	links         linkRequests

	backingUp  sync.Mutex
	backupTime time.Duration // the constant of that name, except in tests

	uploading   transfers     // of files of rows
	reporting   transfers     // of reports about rows
	uploadPause time.Duration // the constant of that name, except in tests
}

// New returns an API. It starts no goroutines; the caller runs [API.SendLinks].
func New(service *bridge.Service, config Config) *API {
	if config.Now == nil {
		config.Now = time.Now
	}
	config.MaxImportSize = cmp.Or(config.MaxImportSize, defaultImportSize)
	a := &API{
		service: service, config: config, document: config.document(),
		ready: readiness{check: service.Ready}, limits: newLimiter[netip.Prefix](), keyLimits: newLimiter[string](), inviterLimits: newLimiter[uuid.UUID](),
		links:      linkRequests{waiting: make(chan linkRequest, maxLinkRequests)},
		backupTime: backupTime, uploadPause: uploadPause,
		uploading: transfers{
			oneEach: "Another file is being uploaded with this API key. Retry when that has finished.",
			full:    "%d files are being uploaded. Retry when one has finished.",
		},
		reporting: transfers{full: "%d reports about rows are being downloaded. Retry when one has finished."},
	}
	a.SetAPIKeys(config.APIKeys)
	a.SetPage(config.Page)
	return a
}

// SetAPIKeys replaces the API keys of the admin listener. It may be called while
// requests are served. What is left of the allowance of a name stays.
func (a *API) SetAPIKeys(keys []APIKey) { a.keys.Store(&keys) }

// SetPage replaces the invitee's page. It may be called while requests are
// served.
func (a *API) SetPage(p *page.Page) { a.page.Store(p) }

// Limits of a connection. The server disconnects a client that does not send its
// headers within 5 s or its body within 15 s.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 15 * time.Second
	writeAllowance = 10*time.Second + doubleSubmitWait
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10
	maxBodyBytes   = 64 << 10
)

// NewServer returns an HTTP server with the limits above. maxHandlerTime bounds
// what the handler takes for one request. The caller runs the server and shuts
// it down.
func NewServer(handler http.Handler, maxHandlerTime time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + maxHandlerTime + writeAllowance,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
