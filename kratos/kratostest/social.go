package kratostest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// LoginSocial signs a person of the OpenID provider in by the API flow, and gives
// the session token. A person whom Kratos does not know signs up by it.
// ErrInactive; else an *AnswerError.
func (s *Server) LoginSocial(ctx context.Context, p Person) (sessionToken string, err error) {
	app := s.browser() // the app opens one, and takes the last redirect from it
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
	if code == "" || strings.HasSuffix(end.location.Path, "/callback/test") { // there, the code is the provider's
		return "", app.explain(ctx, end)
	}
	query := url.Values{"init_code": {f.ExchangeCode}, "return_to_code": {code}}
	a, err := app.exchange(ctx, http.MethodGet, s.PublicURL+"/sessions/token-exchange?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	return a.sessionToken()
}

// LinkSocial signs in with a password in a browser, and there adds a person of
// the OpenID provider to the account, in the settings.
func (s *Server) LinkSocial(ctx context.Context, identifier, password string, p Person) error {
	b := s.browser()
	a, err := b.submit(ctx, "login", nil, map[string]any{
		"method": "password", "identifier": identifier, "password": password,
	})
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return a.refused()
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

// visitProvider submits a form that leads to the provider, goes there, and back
// to Kratos, and on to where Kratos sends it.
func (v *visitor) visitProvider(ctx context.Context, f flow, form map[string]any, p Person) (answer, error) {
	a, err := v.send(ctx, f, form)
	if err != nil {
		return answer{}, err
	}
	var next struct {
		To string `json:"redirect_browser_to"`
	}
	if a.status != http.StatusUnprocessableEntity || json.Unmarshal(a.body, &next) != nil {
		return answer{}, a.refused()
	}
	// Not all versions of Kratos pass a hint on, so it is added here.
	return v.exchange(ctx, http.MethodGet, next.To+"&login_hint="+url.QueryEscape(p.hint()), nil)
}

// explain gives the reason for which Kratos has sent a browser to the page that
// it ended on: that of an error, or that of a flow.
func (v *visitor) explain(ctx context.Context, end answer) error {
	query := end.location.Query()
	var path string
	switch {
	case strings.HasPrefix(end.location.Path, "/self-service/"): // it says it itself
		return end.refused()
	case end.location.Path == "/error":
		path = "/self-service/errors?id=" + query.Get("id")
	case query.Get("flow") != "":
		path = "/self-service" + end.location.Path + "/flows?id=" + query.Get("flow")
	default:
		return end.refused()
	}
	a, err := v.exchange(ctx, http.MethodGet, v.server.PublicURL+path, nil)
	if err != nil {
		return err
	}
	return a.refused()
}
