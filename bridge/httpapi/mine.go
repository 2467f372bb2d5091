package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/cors"

	"invitebridge/bridge"
)

// Inviters configures the routes for inviters with a session.
type Inviters struct {
	Cookie         string   // the name of the cookie with a session; no other cookie is read
	AllowedOrigins []string // of pages that may call these routes with that cookie
	RateLimit      RateLimit
}

// pathMine is below the base path.
const pathMine = "/mine"

// mineRoutes adds the routes of the public listener for inviters with a session. Each of
// them sees its own invitations only, and is given no token.
func (a *API) mineRoutes(r chi.Router) {
	r.Use(a.mineCORS(), only(a.limitPost), only(checkNoParameters), a.authenticateSession, only(a.limitInviter), only(a.permitInviter), a.expireOnPost)
	r.Get("/", a.handle(a.listMine))
	r.Post("/", a.handle(a.inviteMine))
	r.Get("/{id}", a.handle(a.getMine))
	r.Post("/{id}/resend", a.handle(a.resendMine))
	r.Post("/{id}/revoke", a.handle(a.revokeMine))
}

// mineCORS allows pages of the configured origins to call the routes, with the cookie.
func (a *API) mineCORS() func(http.Handler) http.Handler {
	if len(a.config.Inviters.AllowedOrigins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.New(cors.Options{
		AllowedOrigins:   a.config.Inviters.AllowedOrigins,
		AllowedMethods:   []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:   []string{"Content-Type", "Authorization", sessionTokenHeader, idempotencyHeader},
		ExposedHeaders:   []string{"Link", "Location", "Retry-After", requestIDHeader},
		AllowCredentials: true,
	}).Handler
}

// authenticateSession requires a session. It runs before routing, as authenticate does.
func (a *API) authenticateSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := a.session(r)
		if err != nil {
			writeError(w, r, err)
			return
		}
		inviter, err := a.service.WhoAmI(r.Context(), session)
		if err != nil {
			writeError(w, r, err)
			return
		}
		annotate(r, func(n *requestNotes) { n.inviter = inviter.ID.String() })
		r = actingAs(r, bridge.BySession(inviter.ID).Actor())
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), inviterContext{}, inviter)))
	})
}

// permitInviter refuses those who may not invite.
func (a *API) permitInviter(r *http.Request) error {
	return a.service.MayInvite(r.Context(), inviterOf(r))
}

type inviterContext struct{}

// inviterOf returns the inviter of a request that authenticateSession has let through.
func inviterOf(r *http.Request) bridge.Inviter {
	return r.Context().Value(inviterContext{}).(bridge.Inviter)
}

// limitInviter uses one request of the inviter's allowance for a POST.
func (a *API) limitInviter(r *http.Request) error {
	if r.Method != http.MethodPost {
		return nil
	}
	if wait := a.inviterLimits.take(inviterOf(r).ID, a.config.Inviters.RateLimit, time.Now()); wait > 0 {
		return bridge.ErrTooManyRequests.WithReasonf("You have sent too many requests. Wait, then try again.").WithRetryAfter(wait)
	}
	return nil
}

func (a *API) inviteMine(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(w, r, "application/json")
	if err != nil {
		return err
	}
	inviter := inviterOf(r)
	request, err := a.service.SessionInvite(inviter, bytes.TrimPrefix(raw, byteOrderMark))
	if err != nil {
		return err
	}
	if request.Idempotent, err = idempotencyKey(r, bridge.BySession(inviter.ID).String(), "invite"); err != nil {
		return err
	}
	request.Content = sha256.Sum256(raw)
	o, err := a.service.Invite(r.Context(), request)
	if err != nil {
		return hideInInvite(err)
	}
	writeJSON(w, invited(w, r, o, a.config.BasePath+pathMine), o.Invitation.View())
	return nil
}

func (a *API) getMine(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.mine(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, inv.View())
	return nil
}

func (a *API) resendMine(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.mine(r)
	if err != nil {
		return err
	}
	o, err := a.service.SessionResend(r.Context(), inv)
	if err != nil {
		return hideInOwn(err)
	}
	writeJSON(w, http.StatusOK, o.Invitation.View())
	return nil
}

func (a *API) revokeMine(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.mine(r)
	if err != nil {
		return err
	}
	return hideInOwn(a.revokeOne(w, r, inv))
}

// mine returns the invitation in the path.
//
// Errors: ErrNotFound, also if another inviter has created it.
func (a *API) mine(r *http.Request) (bridge.Invitation, error) {
	id, err := pathID(r)
	if err != nil {
		return bridge.Invitation{}, err
	}
	return a.service.GetBy(r.Context(), bridge.BySession(inviterOf(r).ID), id)
}

func (a *API) listMine(w http.ResponseWriter, r *http.Request) error {
	p, err := parsePage(r, "state", "email")
	if err != nil {
		return err
	}
	state, err := oneOf(p.values, "state", bridge.States())
	if err != nil {
		return err
	}
	page, next, err := a.service.List(r.Context(), bridge.InvitationQuery{
		State: state, Email: p.values.Get("email"), CreatedBy: bridge.BySession(inviterOf(r).ID), Before: p.before, Limit: p.size,
	})
	if err != nil {
		return err
	}
	writePage(w, r, p, page, next, bridge.Invitation.View)
	return nil
}
