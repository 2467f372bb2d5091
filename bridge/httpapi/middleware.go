package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"invitebridge/bridge"
)

const (
	readyCacheTime = time.Second     // how long a result is reused
	readyTimeout   = 3 * time.Second // limit of one check
)

// readiness caches the result of its check for readyCacheTime, so that frequent
// probes do not load Kratos and the disk.
type readiness struct {
	check func(context.Context) error
	mu    sync.Mutex
	at    time.Time
	err   error
}

func (c *readiness) probe(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) < readyCacheTime {
		return c.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	c.err = c.check(ctx)
	c.at = time.Now()
	return c.err
}

type status struct {
	Status string `json:"status"`
}

// readyStatus names the service: Kratos has the same route with otherwise the
// same response.
type readyStatus struct {
	status
	Service string `json:"service"`
}

const serviceName = "invitebridge"

func (a *API) alive(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, status{"ok"})
	return nil
}

// readyz responds in the shape of Kratos: it names the unavailable dependency but
// not the cause.
func (a *API) readyz(w http.ResponseWriter, r *http.Request) error {
	err := a.ready.probe(r.Context())
	if err == nil {
		writeJSON(w, http.StatusOK, readyStatus{status{"ok"}, serviceName})
		return nil
	}
	annotate(r, func(n *requestNotes) { n.err = err })
	missing := "kratos"
	if errors.Is(err, bridge.ErrStoreUnavailable) {
		missing = "store"
	}
	writeJSON(w, http.StatusServiceUnavailable, map[string]map[string]string{"errors": {missing: "is not reachable"}})
	return nil
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"version": a.config.Version})
	return nil
}

// expireOnPost expires due invitations before each POST, at most one bounded
// batch, so that the request sees their current state. Errors are ignored: the
// sweep reports them.
func (a *API) expireOnPost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.expireBeforePost(r)
		next.ServeHTTP(w, r)
	})
}

func (a *API) expireBeforePost(r *http.Request) {
	if r.Method == http.MethodPost {
		_, _ = a.service.ExpireDue(r.Context())
	}
}

// stripSlash makes a path with a slash at its end match the route without it.
func stripSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routing := chi.RouteContext(r.Context())
		if path := cmp.Or(routing.RoutePath, r.URL.Path); len(path) > 1 && strings.HasSuffix(path, "/") {
			routing.RoutePath = strings.TrimSuffix(path, "/")
		}
		next.ServeHTTP(w, r)
	})
}
