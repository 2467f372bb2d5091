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

// pageRoutes adds the routes of the invitee's page. They respond in HTML, also
// with errors.
//
// The form needs no CSRF token. Such a token protects credentials that a browser
// attaches by itself, and there are none: the page uses and sets no cookies, and
// there is no session. Only the secret in the URL authorizes an acceptance. A
// site that does not know it cannot address the form, and one that does can
// accept without the invitee's browser. Other sites can neither read the page
// nor frame it.
func (a *API) pageRoutes(r chi.Router) {
	r.Use(a.pageSecurityHeaders, a.recover(a.writePageError), asInvitee)
	r.NotFound(a.handlePage(routeNotFound))
	r.MethodNotAllowed(a.handlePage(methodNotAllowed))
	r.Get("/again", a.handlePage(a.openAgain))
	r.Post("/again", a.handlePage(a.submitAgain))
	r.Get("/{token}", a.handlePage(a.openPage))
	r.Post("/{token}", a.handlePage(a.submitPage))
}

// handlePage is handle for pages.
func (a *API) handlePage(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			a.writePageError(w, r, err)
			noteClientClosed(r, err)
		}
	}
}

// pageSecurityHeaders adds to securityHeaders what a document needs.
func (a *API) pageSecurityHeaders(next http.Handler) http.Handler {
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

// openPage shows the form, or why there is none. It changes nothing.
func (a *API) openPage(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.service.Preview(r.Context(), pathToken(r))
	if err != nil {
		return err
	}
	if early := a.service.TooEarly(inv); early != nil {
		from := a.config.Now().Add(publicError(early).RetryAfter)
		return a.renderPage(w, r, http.StatusOK, page.Input{Screen: page.ScreenEarly, From: from, TimeZone: inv.TimeZone}, inv.Locale)
	}
	return a.renderPage(w, r, http.StatusOK, a.form(inv, nil), inv.Locale)
}

// submitPage handles the page's forms: accept, and renew.
func (a *API) submitPage(w http.ResponseWriter, r *http.Request) error {
	if err := a.checkRateLimit(r); err != nil {
		return a.redisplayForm(w, r, err)
	}
	_, _ = a.service.ExpireDue(r.Context()) // as expireOnPost does, but only within the rate limit
	form, err := decodeForm(w, r)
	switch {
	case err != nil:
		return a.redisplayForm(w, r, err)
	case form.Has("renew"):
		return a.renewPage(w, r)
	}
	p := bridge.AcceptParams{Method: bridge.AcceptPassword, Password: form.Get("password")}
	if form.Get("method") == string(bridge.AcceptKratos) {
		p = bridge.AcceptParams{Method: bridge.AcceptKratos}
	}
	done, err := a.acceptAfterDoubleSubmit(r, pathToken(r), p)
	if err != nil {
		return a.redisplayForm(w, r, err)
	}
	annotate(r, func(n *requestNotes) { n.invitation = done.Invitation.ID.String() })
	return a.renderPage(w, r, http.StatusOK, a.nextStep(r.Context(), p.Method, done), done.Invitation.Locale)
}

// nextStep returns the page after an acceptance.
func (a *API) nextStep(ctx context.Context, method bridge.AcceptMethod, done bridge.Acceptance) page.Input {
	if f := done.Recovery; f != nil {
		v := page.Input{Screen: page.ScreenContinue, Recovery: page.Recovery{URL: f.URL, Code: f.Code.Reveal()}}
		if a.config.RecoveryURL != "" {
			v.Recovery.FormURL = a.config.RecoveryURL + "?flow=" + f.ID.String()
		}
		return v
	}
	v := page.Input{Screen: page.ScreenRecover}
	if method == bridge.AcceptPassword {
		v = page.Input{Screen: page.ScreenAccepted, ContinueURL: done.Invitation.ReturnTo, Redirect: done.Invitation.ReturnTo != "" || a.config.AutoRedirect}
	}
	if v.ContinueURL == "" {
		a.redirectToLogin(ctx, &v)
	}
	return v
}

// redirectToLogin sets the page's link to the login page; if there is no login
// page, it sets only the host to name in the text.
func (a *API) redirectToLogin(ctx context.Context, v *page.Input) {
	if a.config.NoLogin == nil || !a.config.NoLogin(ctx) {
		v.ContinueURL = a.config.LoginURL
	} else if u, err := url.Parse(a.config.LoginURL); err == nil {
		v.Place = u.Host
	}
}

// doubleSubmitWait is how long a second submit waits for the first one to finish.
// It covers the hooks, and Kratos when it responds normally.
const doubleSubmitWait = 10 * time.Second

// acceptAfterDoubleSubmit is AcceptWith for browsers. If the user clicks twice, the
// browser shows only the second response, so that has to wait for the outcome of
// the first request.
func (a *API) acceptAfterDoubleSubmit(r *http.Request, token string, p bridge.AcceptParams) (bridge.Acceptance, error) {
	deadline := time.NewTimer(doubleSubmitWait)
	defer deadline.Stop()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		done, err := a.service.AcceptWith(r.Context(), token, p)
		if !errors.Is(err, bridge.ErrAcceptInProgress) {
			return done, err
		}
		select {
		case <-time.After(pause):
		case <-deadline.C:
			return done, err
		case <-r.Context().Done():
			return done, err
		}
	}
}

// renewPage shows the same page whether or not an email is sent, see
// [bridge.Service.Renew].
func (a *API) renewPage(w http.ResponseWriter, r *http.Request) error {
	if err := a.service.Renew(r.Context(), pathToken(r)); err != nil {
		return err
	}
	locale, _ := a.locale(r)
	return a.renderPage(w, r, http.StatusOK, page.Input{Screen: page.ScreenRenewed}, locale)
}

// locale returns the language and the time zone of the page's invitation, in any
// state; both are empty if there is none.
func (a *API) locale(r *http.Request) (locale, timeZone string) {
	return a.service.Locale(context.WithoutCancel(r.Context()), pathToken(r))
}

// redisplayForm shows the form again, with the problem. If the invitation can no
// longer be accepted, it returns that error instead, unless the client is
// rate-limited: that is always reported.
func (a *API) redisplayForm(w http.ResponseWriter, r *http.Request, problem error) error {
	e := publicError(problem)
	if _, ended := screenByError[e.ID]; ended {
		return problem
	}
	// The request's context is canceled if the client has disconnected: that must
	// not look like a failure of the store.
	inv, err := a.service.Preview(context.WithoutCancel(r.Context()), pathToken(r))
	switch {
	case err != nil && e.Kind == bridge.KindTooMany:
		return problem
	case err != nil:
		return err
	}
	noteError(r, e, problem)
	return a.renderPage(w, r, setErrorHeaders(w, e), a.form(inv, e), inv.Locale)
}

func (a *API) form(inv bridge.Invitation, problem *bridge.Error) page.Input {
	return page.Input{
		Screen: page.ScreenForm, Email: inv.Email, InviterName: inv.InviterName, ExpiresAt: inv.ExpiresAt, TimeZone: inv.TimeZone,
		Policy: a.service.PasswordPolicy(), Identifiers: inv.Identifiers, Problem: problem,
	}
}

// screenByError maps error ids to screens. All other errors show the unavailable
// screen.
var screenByError = map[string]page.Screen{
	bridge.ErrNotFound.ID:       page.ScreenUnknown,
	bridge.ErrRouteNotFound.ID:  page.ScreenUnknown,
	bridge.ErrExpired.ID:        page.ScreenExpired,
	bridge.ErrRevoked.ID:        page.ScreenRevoked,
	bridge.ErrAccepted.ID:       page.ScreenDone,
	bridge.ErrAcceptTooEarly.ID: page.ScreenEarly,
}

// writePageError writes the page for err.
func (a *API) writePageError(w http.ResponseWriter, r *http.Request, err error) {
	e := publicError(err)
	noteError(r, e, err)
	v := page.Input{
		Screen:    cmp.Or(screenByError[e.ID], page.ScreenUnavailable),
		Renewable: a.service.Renewable(), From: a.config.Now().Add(e.RetryAfter), RequestID: requestID(r),
	}
	if v.Screen == page.ScreenDone || v.Screen == page.ScreenUnknown {
		a.redirectToLogin(r.Context(), &v)
	}
	locale := ""
	if v.Screen != page.ScreenUnavailable && v.Screen != page.ScreenUnknown {
		locale, v.TimeZone = a.locale(r)
	}
	if err := a.renderPage(w, r, setErrorHeaders(w, e), v, locale); err != nil {
		writeError(w, r, err)
	}
}

// renderPage renders and sends a page. If it fails, nothing has been sent.
func (a *API) renderPage(w http.ResponseWriter, r *http.Request, code int, v page.Input, locale string) error {
	document, err := a.page.Load().Render(strings.Join(r.Header.Values("Accept-Language"), ","), locale, v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", document.Language)
	h.Set("Content-Security-Policy", document.ContentSecurityPolicy)
	w.WriteHeader(code)
	_, _ = w.Write(document.HTML) // fails only if the client disconnected
	return nil
}

// decodeForm decodes the body of a form. Browsers send it in the page's encoding,
// UTF-8; a password in any other encoding could not be passed on to Kratos.
//
// Errors: ErrUnsupportedMediaType, ErrBodyTooLarge, ErrBadRequest.
func decodeForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body, err := readBody(w, r, "application/x-www-form-urlencoded")
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !utf8.ValidString(form.Get("password")) {
		return nil, bridge.ErrBadRequest.WithReasonf("The body is not a valid form in UTF-8.") // without the cause, which quotes the body
	}
	return form, nil
}
