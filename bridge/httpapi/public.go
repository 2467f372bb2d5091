package httpapi

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"invitebridge/bridge"
)

func (a *API) preview(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.service.Preview(r.Context(), pathToken(r))
	if err != nil {
		return err
	}
	out := preview{
		Email: inv.Email, InviterName: inv.InviterName, ExpiresAt: inv.ExpiresAt, State: inv.State,
		AcceptWith: a.service.Methods(),
	}
	if a.service.Offers(bridge.AcceptPassword) {
		policy := wirePolicy(a.service.PasswordPolicy())
		out.PasswordPolicy = &policy
	}
	writeJSON(w, http.StatusOK, out)
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
	var body acceptBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	return a.acceptWith(w, r, token, body)
}

func (a *API) confirm(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Token string `json:"invitation_token"`
		acceptBody
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	return a.acceptWith(w, r, body.Token, body.acceptBody)
}

// acceptBody is how an invitee accepts. FlowType is a word of Kratos.
type acceptBody struct {
	Method   bridge.AcceptMethod `json:"method"`
	Password string              `json:"password"`
	FlowType string              `json:"flow_type"`
	Session  bool                `json:"session"`
}

func (a *API) acceptParams(r *http.Request, body acceptBody) (bridge.AcceptParams, error) {
	p := bridge.AcceptParams{
		Method: cmp.Or(body.Method, bridge.AcceptPassword), Password: body.Password, Native: body.FlowType == "api",
	}
	switch {
	case !slices.Contains(bridge.AcceptMethods(), p.Method):
		return p, bridge.ErrBadRequest.WithReasonf("method must be one of the invitation's accept_with.")
	case body.FlowType != "" && body.FlowType != "api" && body.FlowType != "browser":
		return p, bridge.ErrBadRequest.WithReasonf("flow_type must be browser or api.")
	}
	if body.Session {
		p.SignIn = &bridge.Device{UserAgent: bridge.Truncate(bridge.OneLine(r.UserAgent()), maxUserAgent)}
		if ip := a.clientIP(r); ip.IsValid() {
			p.SignIn.IP = ip.String()
		}
	}
	return p, nil
}

// maxUserAgent is how many runes of the client's User-Agent Kratos stores with a
// session.
const maxUserAgent = 512

func (a *API) acceptWith(w http.ResponseWriter, r *http.Request, token string, body acceptBody) error {
	p, err := a.acceptParams(r, body)
	if err != nil {
		return err
	}
	done, err := a.service.AcceptWith(r.Context(), token, p)
	if err != nil {
		return err
	}
	annotate(r, func(n *requestNotes) { n.invitation = done.Invitation.ID.String() })
	view := done.Invitation.View()
	view.CreatedBy, view.InviterEmail, view.Traits = bridge.Creator{}, "", nil // for inviters and hooks only
	view.Cleaned = nil                                                         // concerns the former account holder: for inviters only
	writeJSON(w, http.StatusOK, accepted{Invitation: view, ContinueWith: a.continueWith(p, done)})
	return nil
}

// continueWith lists what the client does next, in the order of Kratos.
func (a *API) continueWith(p bridge.AcceptParams, done bridge.Acceptance) []continueWith {
	steps := []continueWith{}
	if p.Method == bridge.AcceptKratos {
		if f := done.Recovery; f != nil {
			steps = append(steps, continueWith{
				Action: "show_recovery_ui", Flow: &continueFlow{ID: f.ID, URL: f.URL}, RecoveryCode: f.Code.Reveal(),
			})
		}
		return steps
	}
	if done.Session != nil {
		steps = append(steps, continueWith{Action: "set_ory_session_token", SessionToken: done.Session.Reveal()})
	}
	return append(steps, continueWith{Action: "redirect_browser_to", RedirectBrowserTo: a.redirectURL(done.Invitation)})
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
