package httpapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"invitebridge/bridge"
)

const (
	readyFor     = time.Second     // how long an answer about readiness is good
	readyTimeout = 3 * time.Second // what finding out may take
)

// readiness remembers its answer for a second, so that asking often costs
// Kratos and the disk nothing.
type readiness struct {
	check func(context.Context) error
	mu    sync.Mutex
	at    time.Time
	err   error
}

func (c *readiness) ask(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) < readyFor {
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

// readyStatus says who answers: Kratos has the same route, and the same answer
// otherwise.
type readyStatus struct {
	status
	Service string `json:"service"`
}

const serviceName = "invitebridge"

func (a *API) alive(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, status{"ok"})
	return nil
}

// readyz answers in the shape of Kratos: which dependency is away, not why.
func (a *API) readyz(w http.ResponseWriter, r *http.Request) error {
	err := a.ready.ask(r.Context())
	if err == nil {
		writeJSON(w, http.StatusOK, readyStatus{status{"ok"}, serviceName})
		return nil
	}
	note(r, func(n *notes) { n.err = err })
	missing := "kratos"
	if errors.Is(err, bridge.ErrStoreAway) {
		missing = "store"
	}
	writeJSON(w, http.StatusServiceUnavailable, map[string]map[string]string{"errors": {missing: "is not reachable"}})
	return nil
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"version": a.config.Version})
	return nil
}

// expireOnPost expires what is due, one bounded step at most, so that what a
// caller does next meets the state of now. A failure is the sweep's business.
func (a *API) expireOnPost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = a.service.Expire(r.Context())
		}
		next.ServeHTTP(w, r)
	})
}
