package httpapi

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
)

// Limits of the requests for a new link that wait. Each takes milliseconds, or some
// seconds while Kratos is slow.
const (
	maxLinkRequests = 1000
	linkWorkers     = 2
)

// linkRequest is a request for a new link.
type linkRequest struct{ email, requestID string }

// linkRequests holds the addresses for which a new link was requested. Requests are
// answered before the address is looked up, so neither the answer nor its time shows
// whether the address is invited.
type linkRequests struct {
	waiting chan linkRequest
	dropped atomic.Int64

	mu     sync.Mutex
	queued map[string]bool // what waits, so that one address takes one place
}

// ask adds an address, unless it waits already. If the queue is full, the request is
// dropped, whatever the address is.
func (a *API) ask(r *http.Request, email string) {
	a.links.mu.Lock()
	defer a.links.mu.Unlock()
	if a.links.queued[email] {
		return
	}
	select {
	case a.links.waiting <- linkRequest{email, requestID(r)}:
		if a.links.queued == nil {
			a.links.queued = make(map[string]bool)
		}
		a.links.queued[email] = true
	default:
		a.links.dropped.Add(1)
		a.config.Log.Warn("a request for a new link was dropped, because too many are waiting")
	}
}

// LinkRequests returns how many requests for a new link wait, and how many were
// dropped because too many waited.
func (a *API) LinkRequests() (waiting int, dropped int64) {
	return len(a.links.waiting), a.links.dropped.Load()
}

// SendLinks handles the requests for a new link until ctx ends. What it has begun
// by then it finishes; the requests that still wait are dropped.
func (a *API) SendLinks(ctx context.Context) {
	var workers sync.WaitGroup
	for range linkWorkers {
		workers.Go(func() {
			for ctx.Err() == nil {
				select {
				case <-ctx.Done():
				case asked := <-a.links.waiting:
					a.sendLink(bridge.WithActor(ctx, bridge.Actor{Kind: bridge.ActorInvitee}, asked.requestID), asked.email)
				}
			}
		})
	}
	workers.Wait()
	if n := len(a.links.waiting); n > 0 {
		a.config.Log.Warn("requests for a new link were dropped by the stop", "requests", n)
	}
}

func (a *API) sendLink(ctx context.Context, email string) {
	a.links.mu.Lock()
	delete(a.links.queued, email)
	a.links.mu.Unlock()
	if err := a.service.Again(ctx, email); err != nil && ctx.Err() == nil {
		a.config.Log.Warn("a requested link could not be sent", "cause", err.Error())
	}
}

// again answers the same for every address, see [linkRequests].
func (a *API) again(w http.ResponseWriter, r *http.Request) error {
	if !a.service.Renewable() {
		return bridge.ErrNotFound // as for any path that is no token
	}
	var body struct {
		Email string `json:"email"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	email, err := a.service.ParseEmail(body.Email)
	if err != nil {
		return err
	}
	a.ask(r, email)
	writeJSON(w, http.StatusAccepted, renewal{State: "sent_email"})
	return nil
}

// openAgain shows the form that asks for the address.
func (a *API) openAgain(w http.ResponseWriter, r *http.Request) error {
	if !a.service.Renewable() {
		return bridge.ErrNotFound
	}
	return a.renderPage(w, r, http.StatusOK, page.Input{Screen: page.ScreenAgain}, "")
}

// submitAgain is again for the form.
func (a *API) submitAgain(w http.ResponseWriter, r *http.Request) error {
	if !a.service.Renewable() {
		return bridge.ErrNotFound
	}
	typed, err := a.askByForm(w, r)
	if err != nil {
		e := publicError(err)
		noteError(r, e, err)
		return a.renderPage(w, r, setErrorHeaders(w, e), page.Input{Screen: page.ScreenAgain, Email: typed, Problem: e}, "")
	}
	return a.renderPage(w, r, http.StatusOK, page.Input{Screen: page.ScreenAsked}, "")
}

// askByForm also returns what was typed.
func (a *API) askByForm(w http.ResponseWriter, r *http.Request) (typed string, err error) {
	if err := a.checkRateLimit(r); err != nil {
		return "", err
	}
	form, err := decodeForm(w, r)
	if err != nil {
		return "", err
	}
	typed = form.Get("email")
	email, err := a.service.ParseEmail(typed)
	if err == nil {
		a.ask(r, email)
	}
	return typed, err
}
