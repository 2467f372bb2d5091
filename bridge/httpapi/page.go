package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
)

// hosted has the routes of the invitee's page. They answer in HTML, whatever
// happens.
//
// The form needs no token against forgery from other sites. Such a token ties a
// request to what a browser sends along by itself, and nothing is: there is no
// cookie and no session, here or set by an answer. What entitles to accept is
// the secret in the address alone. A site that does not know it has nowhere to
// send a form to; one that does needs no browser of somebody else's. Other
// sites can neither read the page nor hold it in a frame.
func (a *API) hosted(r chi.Router) {
	r.Use(a.guardPage, a.recover(a.failPage))
	r.NotFound(a.shown(noRoute))
	r.MethodNotAllowed(a.shown(methodNotAllowed))
	r.Get("/{token}", a.shown(a.openPage))
	r.Post("/{token}", a.shown(a.submitPage))
}

// shown is handle for pages.
func (a *API) shown(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			a.failPage(w, r, err)
		}
	}
}

// guardPage adds to guardHeaders what a document needs.
func (a *API) guardPage(next http.Handler) http.Handler {
	secure := strings.HasPrefix(a.config.PublicURL, "https:")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// openPage shows how the invitation stands, and changes nothing.
func (a *API) openPage(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.service.Look(r.Context(), pathToken(r))
	if err != nil {
		return err
	}
	if early := a.service.TooEarly(inv); early != nil {
		from := a.config.Now().Add(told(early).RetryAfter)
		return a.write(w, r, http.StatusOK, page.View{Sight: page.SightEarly, From: from, TimeZone: inv.TimeZone}, inv.Locale)
	}
	return a.write(w, r, http.StatusOK, a.form(inv, nil), inv.Locale)
}

// submitPage takes what was sent by a form of the page.
func (a *API) submitPage(w http.ResponseWriter, r *http.Request) error {
	if err := a.limited(r); err != nil {
		return a.formAgain(w, r, err)
	}
	_, _ = a.service.Expire(r.Context()) // as expireOnPost, for those who are let through
	form, err := decodeForm(w, r)
	switch {
	case err != nil:
		return a.formAgain(w, r, err)
	case form.Has("renew"):
		return a.renewPage(w, r)
	}
	inv, err := a.acceptPatiently(r, pathToken(r), form.Get("password"))
	if err != nil {
		return a.formAgain(w, r, err)
	}
	note(r, func(n *notes) { n.invitation = inv.ID.String() })
	v := page.View{Sight: page.SightAccepted, ContinueURL: inv.ReturnTo, Redirect: inv.ReturnTo != "" || a.config.LeadOn}
	if v.ContinueURL == "" {
		a.leadToLogin(r.Context(), &v)
	}
	return a.write(w, r, http.StatusOK, v, inv.Locale)
}

// leadToLogin gives a page the way to the login, or if there is none the place.
func (a *API) leadToLogin(ctx context.Context, v *page.View) {
	if a.config.NoLogin == nil || !a.config.NoLogin(ctx) {
		v.ContinueURL = a.config.LoginURL
	} else if u, err := url.Parse(a.config.LoginURL); err == nil {
		v.Place = u.Host
	}
}

// patience is how long a second click waits for what the first one began. It
// covers the hooks, and Kratos where it is well.
const patience = 10 * time.Second

// acceptPatiently is Accept for browsers: who clicks twice sees the answer to
// the second click only, and that has to tell what came of the first.
func (a *API) acceptPatiently(r *http.Request, token, password string) (bridge.Invitation, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		inv, err := a.service.Accept(r.Context(), token, password)
		if !errors.Is(err, bridge.ErrAcceptInProgress) {
			return inv, err
		}
		select {
		case <-time.After(pause):
		case <-deadline.C:
			return inv, err
		case <-r.Context().Done():
			return inv, err
		}
	}
}

// renewPage says the same whatever came of it, see [bridge.Service.Renew].
func (a *API) renewPage(w http.ResponseWriter, r *http.Request) error {
	if err := a.service.Renew(r.Context(), pathToken(r)); err != nil {
		return err
	}
	locale, _ := a.locale(r)
	return a.write(w, r, http.StatusOK, page.View{Sight: page.SightRenewed}, locale)
}

// locale gives the language and the time zone of the invitation that a page is
// about, whatever became of it.
func (a *API) locale(r *http.Request) (locale, timeZone string) {
	return a.service.Locale(context.WithoutCancel(r.Context()), pathToken(r))
}

// formAgain shows the form with what was wrong. If there is no form to show any
// more, the reason of that is what is told, save to who asks too often.
func (a *API) formAgain(w http.ResponseWriter, r *http.Request, problem error) error {
	e := told(problem)
	if _, ended := sights[e.ID]; ended {
		return problem
	}
	// The client may be gone, or was given up for it: that is no failure of the
	// store.
	inv, err := a.service.Look(context.WithoutCancel(r.Context()), pathToken(r))
	switch {
	case err != nil && e.Kind == bridge.KindTooMany:
		return problem
	case err != nil:
		return err
	}
	noteError(r, e, problem)
	return a.write(w, r, advise(w, e), a.form(inv, e), inv.Locale)
}

func (a *API) form(inv bridge.Invitation, problem *bridge.Error) page.View {
	return page.View{
		Sight: page.SightForm, Email: inv.Email, InviterName: inv.InviterName, ExpiresAt: inv.ExpiresAt, TimeZone: inv.TimeZone,
		Policy: a.service.Passwords(), Identifiers: inv.Identifiers, Problem: problem,
	}
}

// sights are those that errors have; all others are shown as unavailable.
var sights = map[string]page.Sight{
	bridge.ErrNotFound.ID: page.SightUnknown,
	bridge.ErrNoRoute.ID:  page.SightUnknown,
	bridge.ErrExpired.ID:  page.SightExpired,
	bridge.ErrRevoked.ID:  page.SightRevoked,
	bridge.ErrAccepted.ID: page.SightDone,
	bridge.ErrTooEarly.ID: page.SightEarly,
}

// failPage answers with the page for an error.
func (a *API) failPage(w http.ResponseWriter, r *http.Request, err error) {
	e := told(err)
	noteError(r, e, err)
	v := page.View{
		Sight:     cmp.Or(sights[e.ID], page.SightUnavailable),
		Renewable: a.service.Renewable(), From: a.config.Now().Add(e.RetryAfter), RequestID: requestID(r),
	}
	if v.Sight == page.SightDone || v.Sight == page.SightUnknown {
		a.leadToLogin(r.Context(), &v)
	}
	locale := ""
	if v.Sight != page.SightUnavailable && v.Sight != page.SightUnknown {
		locale, v.TimeZone = a.locale(r)
	}
	if err := a.write(w, r, advise(w, e), v, locale); err != nil {
		writeError(w, r, err)
	}
}

// write renders and sends a page. It fails before anything was sent.
func (a *API) write(w http.ResponseWriter, r *http.Request, code int, v page.View, locale string) error {
	document, err := a.page.Load().Render(strings.Join(r.Header.Values("Accept-Language"), ","), locale, v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", document.Language)
	h.Set("Content-Security-Policy", document.ContentSecurityPolicy)
	w.WriteHeader(code)
	_, _ = w.Write(document.HTML) // the client is gone: nobody to tell
	return nil
}

// decodeForm reads the body of a form that a browser sent. The page is in UTF-8,
// and so is what browsers send from it; Kratos could not be given another text.
// ErrUnsupportedMedia, ErrTooLarge, ErrBadRequest.
func decodeForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body, err := readBody(w, r, "application/x-www-form-urlencoded")
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !utf8.ValidString(form.Get("password")) {
		return nil, bridge.ErrBadRequest.Reasonf("The body is no form in UTF-8.") // the error would quote it
	}
	return form, nil
}
