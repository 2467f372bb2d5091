package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"invitebridge/bridge"
)

// sessionTokenHeader is Kratos' header for the token of a session.
const sessionTokenHeader = "X-Session-Token"

// session returns the session of a request. A browser sends a cookie with every request,
// whatever page has caused it, so one with a cookie must come from an allowed page.
//
// Errors: ErrSessionUnauthorized if there is none; ErrBadRequest if there are several;
// ErrNoInviter if another page has sent it.
func (a *API) session(r *http.Request) (bridge.Session, error) {
	var sessions []bridge.Session
	for _, token := range r.Header.Values(sessionTokenHeader) {
		sessions = append(sessions, bridge.NewSession(token))
	}
	for _, header := range r.Header.Values("Authorization") {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return bridge.Session{}, bridge.ErrSessionUnauthorized
		}
		sessions = append(sessions, bridge.NewSession(token))
	}
	for _, c := range r.CookiesNamed(a.config.Inviters.Cookie) {
		sessions = append(sessions, bridge.NewCookieSession(c.Name, c.Value))
	}
	switch {
	case len(sessions) > 1:
		return bridge.Session{}, bridge.ErrBadRequest.WithReasonf("Send one session: the cookie, X-Session-Token or Authorization. If a browser sends two cookies of one name, sign out and in again.")
	case len(sessions) == 0 || sessions[0].Reveal() == "":
		return bridge.Session{}, bridge.ErrSessionUnauthorized
	case sessions[0].Cookie() != "" && !a.fromAllowedPage(r):
		return bridge.Session{}, bridge.ErrNoInviter.WithReasonf("With the session cookie, a request needs an Origin that inviters.allowed_origins lists, or \"Sec-Fetch-Site: same-origin\", as browsers send them. Native apps send the token of the session instead.")
	}
	return sessions[0], nil
}

// fromAllowedPage reports whether a browser says that a page of an allowed origin, or of
// this one, has caused the request. Kratos asks for neither.
func (a *API) fromAllowedPage(r *http.Request) bool {
	if origins := r.Header.Values("Origin"); len(origins) == 1 && slices.Contains(a.config.Inviters.AllowedOrigins, origins[0]) {
		return true
	}
	site := r.Header.Values("Sec-Fetch-Site")
	return len(site) == 1 && site[0] == "same-origin"
}

// hideInInvite hides what the error of an invite says of an account, and of an invitation
// by another inviter.
func hideInInvite(err error) error {
	if errors.Is(err, bridge.ErrInvitationExists) {
		return bridge.ErrInvitationExists.WithReasonf("Another inviter has invited this address, and that invitation is pending. Nothing was sent or changed.")
	}
	return hideAccount(err, "This address cannot be invited, or not now. Ask an administrator.")
}

// hideInOwn hides what the error of a resend or a revocation says of the account.
func hideInOwn(err error) error {
	switch {
	case errors.Is(err, bridge.ErrRevoked):
		return bridge.ErrRevoked.WithReasonf("The invitation was revoked. Invite the address again.").WithCause(err)
	case errors.Is(err, bridge.ErrAccepted):
		return bridge.ErrAccepted.WithReasonf("The invitation was accepted. It can no longer be resent or revoked.").WithCause(err)
	}
	return hideAccount(err, "The invitation cannot be resent, or not now. Invite the address again.")
}

// hideAccount replaces errors about the state of an account by one with a reason.
func hideAccount(err error, reason string) error {
	for _, hidden := range []error{bridge.ErrIdentityConflict, bridge.ErrIdentityDeactivated, bridge.ErrIdentityHasCredentials, bridge.ErrIdentityInUse} {
		var e *bridge.Error
		if errors.Is(err, hidden) && errors.As(err, &e) {
			if e.RetryAfter > 0 {
				reason = "This address cannot be invited right now. Try again later."
			}
			return bridge.ErrIdentityConflict.WithReasonf("%s", reason).WithCause(e).WithRetryAfter(e.RetryAfter)
		}
	}
	return err
}
