package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"invitebridge/bridge"
)

// SignIn performs a native login at the public API with each identifier until one
// signs in. Kratos records the device with the session. See [bridge.Identities].
func (c *Client) SignIn(ctx context.Context, identifiers []string, password string, d bridge.Device) (bridge.Session, error) {
	if c.public == nil {
		return bridge.Session{}, errNoPublicAPI
	}
	k, ctx, cancel := c.public.client.begin(ctx, "sign_in", password)
	defer cancel()
	err := k.rejected("there is no identifier to sign in with")
	for _, identifier := range identifiers {
		var session bridge.Session
		if session, err = k.signIn(ctx, identifier, password, d); err == nil {
			return session, nil
		}
		var r statusError
		if !errors.As(err, &r) || r.status != http.StatusBadRequest {
			break
		}
	}
	return bridge.Session{}, k.classify(err, nil)
}

var errNoPublicAPI = errors.New("kratos: no public API is configured")

func (k call) signIn(ctx context.Context, identifier, password string, d bridge.Device) (bridge.Session, error) {
	a, err := k.read(ctx, k.client.getRequest("/self-service/login/api"))
	if err != nil {
		return bridge.Session{}, err
	}
	var flow struct {
		ID string `json:"id"`
	}
	if parse(a.body, &flow) != nil || !plainID.MatchString(flow.ID) {
		return bridge.Session{}, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	body, _ := json.Marshal(map[string]string{"method": "password", "identifier": identifier, "password": password}) // cannot fail for strings
	headers := http.Header{"User-Agent": {d.UserAgent}}
	if d.IP != "" { // the first header that Kratos looks at
		headers.Set("True-Client-IP", d.IP)
	}
	a, err = k.write(ctx, k.client.post("/self-service/login?flow="+flow.ID, body, headers))
	if err != nil {
		return bridge.Session{}, err
	}
	var signedIn struct {
		Token string `json:"session_token"`
	}
	if parse(a.body, &signedIn) != nil || signedIn.Token == "" {
		return bridge.Session{}, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	return bridge.NewSession(signedIn.Token), nil
}
