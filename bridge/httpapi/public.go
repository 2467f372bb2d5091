package httpapi

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"invitebridge/bridge"
)

func (a *API) look(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.service.Look(r.Context(), pathToken(r))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, preview{
		Email: inv.Email, InviterName: inv.InviterName, ExpiresAt: inv.ExpiresAt, State: inv.State,
		PasswordPolicy: wirePolicy(a.service.Passwords()),
	})
	return nil
}

func (a *API) accept(w http.ResponseWriter, r *http.Request) error {
	token := pathToken(r)
	// What cannot be a token is not there, whatever the body: so no path that
	// exists on the admin listener answers otherwise here.
	if _, ok := bridge.ParseToken(token); !ok {
		_, err := a.service.Look(r.Context(), token)
		return err
	}
	var body struct {
		Password string `json:"password"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	return a.acceptWith(w, r, token, body.Password)
}

func (a *API) confirm(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Token    string `json:"invitation_token"`
		Password string `json:"password"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	return a.acceptWith(w, r, body.Token, body.Password)
}

func (a *API) acceptWith(w http.ResponseWriter, r *http.Request, token, password string) error {
	inv, err := a.service.Accept(r.Context(), token, password)
	if err != nil {
		return err
	}
	note(r, func(n *notes) { n.invitation = inv.ID.String() })
	view := inv.View()
	view.InviterEmail, view.Traits = "", nil // for inviters and hooks
	view.Cleaned = nil                       // of somebody else's account: for inviters only
	writeJSON(w, http.StatusOK, accepted{
		Invitation:   view,
		ContinueWith: []continueWith{{Action: "redirect_browser_to", RedirectBrowserTo: a.next(inv)}},
	})
	return nil
}

// next is where the way goes on for an invitee who has accepted.
func (a *API) next(inv bridge.Invitation) string { return cmp.Or(inv.ReturnTo, a.config.LoginURL) }

// renew says the same whatever came of it, see [bridge.Service.Renew]. How long
// it takes may differ: that tells something to holders of a token only, for
// nobody guesses one.
func (a *API) renew(w http.ResponseWriter, r *http.Request) error {
	if err := a.service.Renew(r.Context(), pathToken(r)); err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, renewal{State: "sent_email"})
	return nil
}

// pathToken gives the token of the path. Clients that escape its padding are
// right to do so, and the router matches escaped paths as they are.
func pathToken(r *http.Request) string {
	text := chi.URLParam(r, "token")
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}
