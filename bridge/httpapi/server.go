package httpapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
)

// Config is what the handlers work by.
type Config struct {
	BasePath  string // of the API on both listeners, such as /api/v1/invite
	PublicURL string // of the public listener as invitees reach it: for the OpenAPI document, whether it is HTTPS, and the path below which it answers, too
	LoginURL  string // where an invitee goes after accepting, by default
	LeadOn    bool   // the page leads there by itself
	// NoLogin says that LoginURL certainly leads to no page to sign in at: the
	// page then has no link to it. Nil: it leads to one.
	NoLogin        func(context.Context) bool
	APIKeys        []APIKey // to begin with, see [API.SetAPIKeys]
	TrustedProxies []netip.Prefix
	// TrustUnixPeers believes whoever connects by a unix socket about the
	// client's address, as a proxy.
	TrustUnixPeers bool
	RateLimit      RateLimit
	AllowedOrigins []string   // for CORS on the public listener; none: no CORS
	Page           *page.Page // to begin with, see [API.SetPage]
	Version        string
	Log            *slog.Logger
	Now            func() time.Time // the wall clock; nil: the system's
	// Metrics answers GET /metrics/prometheus on the admin listener, to holders
	// of a key. Nil: there is no such route.
	Metrics http.Handler
	// Observe is told of each request when it was answered. It must not block.
	// Nil: nobody is.
	Observe func(Exchange)
	// Trace begins the span of a request. It gives the context for what is done
	// for it, the id of the trace, for the log, and what is to be called with
	// the answer. remote holds the request's headers, and is nil if nobody
	// vouches for them. Nil: there are no traces.
	Trace func(ctx context.Context, remote http.Header) (_ context.Context, traceID string, end func(Exchange))
}

// Exchange is a request and its answer, as far as they may be told: nothing in
// it was made up by a client, so that there are few different ones.
type Exchange struct {
	Listener string // "public" or "admin"
	Method   string // in capitals; "other": one that no route has
	Route    string // the pattern; empty: no route matched
	Status   int    // 0: the connection was cut without an answer
	Took     time.Duration
}

// APIKey is one key for the admin listener. Name is for logs.
type APIKey struct {
	Name   string
	SHA256 [sha256.Size]byte
}

// RateLimit bounds the POSTs of one client address on the public listener.
// Zero requests: no limit.
type RateLimit struct {
	Requests int
	Window   time.Duration
}

// API makes the handlers of both listeners.
type API struct {
	service  *bridge.Service
	config   Config
	keys     atomic.Pointer[[]APIKey]
	page     atomic.Pointer[page.Page]
	document []byte // what /openapi.json answers
	ready    readiness
	limits   *limiter

	backingUp  sync.Mutex
	backupTime time.Duration // backupTime, save in tests
}

// New makes an API. It starts nothing.
func New(service *bridge.Service, config Config) *API {
	if config.Now == nil {
		config.Now = time.Now
	}
	a := &API{
		service: service, config: config, document: config.document(),
		ready: readiness{check: service.Ready}, limits: newLimiter(config.RateLimit),
		backupTime: backupTime,
	}
	a.SetAPIKeys(config.APIKeys)
	a.SetPage(config.Page)
	return a
}

// SetAPIKeys has the admin listener take these keys from now on, and no other.
// It may be called while requests are served.
func (a *API) SetAPIKeys(keys []APIKey) { a.keys.Store(&keys) }

// SetPage has invitees see this page from now on. It may be called while
// requests are served.
func (a *API) SetPage(p *page.Page) { a.page.Store(p) }

// Limits of a connection. A client that does not send its headers within 5 s,
// or its body within 15 s, is cut off.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 15 * time.Second
	writeTime      = 10*time.Second + patience
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10
	maxBodyBytes   = 64 << 10
)

// NewServer gives an HTTP server with the limits above; longest is what the
// handler may take for one request. The caller serves with it and shuts it down.
func NewServer(handler http.Handler, longest time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + longest + writeTime,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
