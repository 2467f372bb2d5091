package httpapi

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"invitebridge/bridge"
)

func (a *API) preview(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.service.Preview(r.Context(), pathToken(r))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, preview{
		Email: inv.Email, InviterName: inv.InviterName, ExpiresAt: inv.ExpiresAt, State: inv.State,
		PasswordPolicy: wirePolicy(a.service.PasswordPolicy()),
	})
	return nil
}

func (a *API) accept(w http.ResponseWriter, r *http.Request) error {
	token := pathToken(r)
	// A malformed token is not found, whatever the body: paths that exist only on
	// the admin listener must get the same response here as any unknown path.
	if _, ok := bridge.ParseToken(token); !ok {
		_, err := a.service.Preview(r.Context(), token)
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
	annotate(r, func(n *requestNotes) { n.invitation = inv.ID.String() })
	view := inv.View()
	view.InviterEmail, view.Traits = "", nil // for inviters and hooks only
	view.Cleaned = nil                       // concerns the former account holder: for inviters only
	writeJSON(w, http.StatusOK, accepted{
		Invitation:   view,
		ContinueWith: []continueWith{{Action: "redirect_browser_to", RedirectBrowserTo: a.redirectURL(inv)}},
	})
	return nil
}

// redirectURL returns where an invitee continues after accepting.
func (a *API) redirectURL(inv bridge.Invitation) string {
	return cmp.Or(inv.ReturnTo, a.config.LoginURL)
}

// renew responds the same whether or not an email is sent, see
// [bridge.Service.Renew]. The response time may differ; only a holder of a token
// can learn from that, because tokens cannot be guessed.
func (a *API) renew(w http.ResponseWriter, r *http.Request) error {
	if err := a.service.Renew(r.Context(), pathToken(r)); err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, renewal{State: "sent_email"})
	return nil
}

// pathToken returns the token in the path. Clients may escape its padding, and
// the router does not unescape.
func pathToken(r *http.Request) string {
	text := chi.URLParam(r, "token")
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}
