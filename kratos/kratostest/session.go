package kratostest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// These errors are about sessions and codes.
var (
	ErrNoSession    = errors.New("the session is invalid, or its identity is inactive")
	ErrSecondFactor = errors.New("the session needs the second factor that the account has")
	ErrWrongCode    = errors.New("wrong or used code")
)

// Session is what Kratos shows the holder of a session token.
type Session struct {
	ID      uuid.UUID `json:"id"`
	Active  bool      `json:"active"`
	AAL     string    `json:"authenticator_assurance_level"`
	Devices []struct {
		UserAgent string `json:"user_agent"`
		IPAddress string `json:"ip_address"`
	} `json:"devices"`
	Identity struct {
		ID    uuid.UUID `json:"id"`
		State string    `json:"state"`
	} `json:"identity"`
}

// Whoami returns the session of a token.
//
// Errors: ErrNoSession; ErrSecondFactor; else a *StatusError.
func (s *Server) Whoami(ctx context.Context, sessionToken string) (Session, error) {
	return s.app(sessionToken).whoami(ctx)
}

func (v *visitor) whoami(ctx context.Context) (Session, error) {
	a, err := v.exchange(ctx, http.MethodGet, v.server.PublicURL+"/sessions/whoami", nil)
	switch {
	case err != nil:
		return Session{}, err
	case a.status == http.StatusUnauthorized:
		return Session{}, ErrNoSession
	case a.status != http.StatusOK:
		return Session{}, sessionError(a.asError())
	}
	var session Session
	err = json.Unmarshal(a.body, &session)
	return session, err
}

// SetPassword changes the password in the settings of a session.
func (s *Server) SetPassword(ctx context.Context, sessionToken, password string) error {
	_, err := s.app(sessionToken).settings(ctx, map[string]any{"method": "password", "password": password})
	return err
}

// settings submits a settings form in a new flow.
func (v *visitor) settings(ctx context.Context, form map[string]any) (flow, error) {
	f, err := v.begin(ctx, "settings", nil)
	if err != nil {
		return flow{}, sessionError(err)
	}
	return v.change(ctx, f, form)
}

// change submits another form of a settings flow.
func (v *visitor) change(ctx context.Context, f flow, form map[string]any) (flow, error) {
	a, err := v.send(ctx, f, form)
	if err != nil {
		return flow{}, err
	}
	if a.status != http.StatusOK {
		return flow{}, sessionError(a.asError())
	}
	err = json.Unmarshal(a.body, &f)
	return f, err
}

// sessionError maps the error of a request that needs a session.
func sessionError(err error) error {
	var a *StatusError
	switch {
	case errors.Is(err, ErrInactive), errors.As(err, &a) && a.Status == http.StatusUnauthorized:
		return ErrNoSession
	case errors.As(err, &a) && strings.Contains(a.Body, "session_aal2_required"):
		return ErrSecondFactor
	}
	return err
}

// Sessions returns the sessions of an identity, active or not, as the admin API
// shows them: at most 250.
func (s *Server) Sessions(ctx context.Context, id uuid.UUID) ([]Session, error) {
	text, err := s.call(ctx, http.StatusOK, http.MethodGet, identityPath(id)+"/sessions?page_size=250", nil)
	if err != nil {
		return nil, err
	}
	var list []Session
	err = json.Unmarshal(text, &list)
	return list, err
}

// DeleteSessions ends and removes all sessions of an identity. Kratos answers
// 404 if there are none.
func (s *Server) DeleteSessions(ctx context.Context, id uuid.UUID) error {
	_, err := s.call(ctx, http.StatusNoContent, http.MethodDelete, identityPath(id)+"/sessions", nil)
	return err
}
