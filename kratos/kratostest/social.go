package kratostest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// LoginSocial signs in a person of the OpenID provider with the API flow and
// returns the session token. A person unknown to Kratos is signed up.
//
// Errors: ErrInactive; else a *StatusError.
func (s *Server) LoginSocial(ctx context.Context, p Person) (sessionToken string, err error) {
	app := s.browser() // the app opens a browser and intercepts its last redirect
	app.kind = "api"
	f, err := app.begin(ctx, "login", url.Values{"return_session_token_exchange_code": {"true"}})
	if err != nil {
		return "", err
	}
	end, err := app.visitProvider(ctx, f, map[string]any{"method": "oidc", "provider": "test"}, p)
	if err != nil {
		return "", err
	}
	code := end.location.Query().Get("code")
	if code == "" || strings.HasSuffix(end.location.Path, "/callback/test") { // the callback's code is the provider's
		return "", app.explain(ctx, end)
	}
	query := url.Values{"init_code": {f.ExchangeCode}, "return_to_code": {code}}
	a, err := app.exchange(ctx, http.MethodGet, s.PublicURL+"/sessions/token-exchange?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	return a.sessionToken()
}

// LinkSocial signs in with a password in a browser and links a person of the
// OpenID provider to the account, in the settings.
func (s *Server) LinkSocial(ctx context.Context, identifier, password string, p Person) error {
	b := s.browser()
	a, err := b.submit(ctx, "login", nil, map[string]any{
		"method": "password", "identifier": identifier, "password": password,
	})
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return a.asError()
	}
	f, err := b.begin(ctx, "settings", nil)
	if err != nil {
		return sessionError(err)
	}
	end, err := b.visitProvider(ctx, f, map[string]any{"method": "oidc", "link": "test"}, p)
	if err != nil {
		return err
	}
	address := s.PublicURL + "/self-service/settings/flows?id=" + f.ID
	a, err = b.exchange(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &f) != nil || f.State != "success" {
		return fmt.Errorf("kratostest: %s was not linked: %w", p.Subject, b.explain(ctx, end))
	}
	return nil
}

// visitProvider submits a form that redirects to the provider, and follows the
// redirects there, back to Kratos, and on to where Kratos sends the browser.
func (v *visitor) visitProvider(ctx context.Context, f flow, form map[string]any, p Person) (answer, error) {
	a, err := v.send(ctx, f, form)
	if err != nil {
		return answer{}, err
	}
	var next struct {
		To string `json:"redirect_browser_to"`
	}
	if a.status != http.StatusUnprocessableEntity || json.Unmarshal(a.body, &next) != nil {
		return answer{}, a.asError()
	}
	// Not all versions of Kratos pass the hint on, so it is added here.
	return v.exchange(ctx, http.MethodGet, next.To+"&login_hint="+url.QueryEscape(p.hint()), nil)
}

// explain returns the reason why Kratos redirected a browser to its final page,
// which shows an error or a flow.
func (v *visitor) explain(ctx context.Context, end answer) error {
	query := end.location.Query()
	var path string
	switch {
	case strings.HasPrefix(end.location.Path, "/self-service/"): // the response itself has the reason
		return end.asError()
	case end.location.Path == "/error":
		path = "/self-service/errors?id=" + query.Get("id")
	case query.Get("flow") != "":
		path = "/self-service" + end.location.Path + "/flows?id=" + query.Get("flow")
	default:
		return end.asError()
	}
	a, err := v.exchange(ctx, http.MethodGet, v.server.PublicURL+path, nil)
	if err != nil {
		return err
	}
	return a.asError()
}
