package kratostest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Admin changes the identities as an operator or another program does, without
// the bridge. [Server] and [Fake] implement it. Its calls are not subject to a
// [Fault] and are not counted.
type Admin interface {
	// Create sends body unchanged to POST /admin/identities.
	Create(ctx context.Context, body string) (uuid.UUID, error)

	// Read returns an identity as the admin API shows it.
	Read(ctx context.Context, id uuid.UUID) (json.RawMessage, error)

	// Replace sends body unchanged to PUT /admin/identities/{id}.
	Replace(ctx context.Context, id uuid.UUID, body string) error

	// Activate sets a password and the active state, as an administrator does
	// who knows nothing about invitations.
	Activate(ctx context.Context, id uuid.UUID, password string) error

	// Deactivate makes an identity inactive, as an administrator does when a
	// person has left. The credentials stay.
	Deactivate(ctx context.Context, id uuid.UUID) error

	// Delete removes an identity.
	Delete(ctx context.Context, id uuid.UUID) error

	// SignIn signs in with a password.
	//
	// Errors: ErrWrongPassword, ErrInactive.
	SignIn(ctx context.Context, email, password string) error

	// UseRecoveryCode submits the code of a recovery flow as a browser does, from
	// any page. It returns the identity that this signs in.
	//
	// Errors: ErrWrongCode, ErrInactive.
	UseRecoveryCode(ctx context.Context, flow bridge.RecoveryFlow) (uuid.UUID, error)
}

var (
	_ Admin = (*Server)(nil)
	_ Admin = (*Fake)(nil)
)

// These errors are returned by methods that sign in.
var (
	ErrWrongPassword = errors.New("wrong email address or password")
	ErrInactive      = errors.New("the account is not active")
)

// StatusError is a response of Kratos with an unexpected status.
type StatusError struct {
	Method, Path string
	Status       int
	Body         string
}

// Error returns the whole response.
func (e *StatusError) Error() string {
	return fmt.Sprintf("kratostest: %s %s: status %d: %s", e.Method, e.Path, e.Status, e.Body)
}

// rawAdmin implements Admin, except for SignIn, on top of a function that sends
// requests.
type rawAdmin struct {
	send func(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error)
}

const identitiesPath = "/admin/identities"

func identityPath(id uuid.UUID) string { return identitiesPath + "/" + id.String() }

func (a rawAdmin) call(ctx context.Context, want int, method, path string, body []byte) ([]byte, error) {
	status, answer, err := a.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if status != want {
		return nil, &StatusError{Method: method, Path: path, Status: status, Body: string(answer)}
	}
	return answer, nil
}

// Create implements [Admin].
func (a rawAdmin) Create(ctx context.Context, body string) (uuid.UUID, error) {
	answer, err := a.call(ctx, http.StatusCreated, http.MethodPost, identitiesPath, []byte(body))
	if err != nil {
		return uuid.Nil, err
	}
	var made struct {
		ID uuid.UUID `json:"id"`
	}
	err = json.Unmarshal(answer, &made)
	return made.ID, err
}

// Read implements [Admin].
func (a rawAdmin) Read(ctx context.Context, id uuid.UUID) (json.RawMessage, error) {
	return a.call(ctx, http.StatusOK, http.MethodGet, identityPath(id), nil)
}

// Replace implements [Admin].
func (a rawAdmin) Replace(ctx context.Context, id uuid.UUID, body string) error {
	_, err := a.call(ctx, http.StatusOK, http.MethodPut, identityPath(id), []byte(body))
	return err
}

// Activate implements [Admin].
func (a rawAdmin) Activate(ctx context.Context, id uuid.UUID, password string) error {
	secret, err := json.Marshal(password)
	if err != nil {
		return err
	}
	return a.change(ctx, id, map[string]json.RawMessage{
		"state":       json.RawMessage(`"active"`),
		"credentials": json.RawMessage(`{"password":{"config":{"password":` + string(secret) + `}}}`),
	})
}

// Deactivate implements [Admin].
func (a rawAdmin) Deactivate(ctx context.Context, id uuid.UUID) error {
	return a.change(ctx, id, map[string]json.RawMessage{"state": json.RawMessage(`"inactive"`)})
}

// change replaces an identity with some members changed.
func (a rawAdmin) change(ctx context.Context, id uuid.UUID, body map[string]json.RawMessage) error {
	answer, err := a.Read(ctx, id)
	if err != nil {
		return err
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(answer, &whole); err != nil {
		return err
	}
	for _, name := range []string{"schema_id", "traits", "metadata_public", "metadata_admin", "external_id"} {
		if value, ok := whole[name]; ok {
			body[name] = value
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return a.Replace(ctx, id, string(text))
}

// Delete implements [Admin].
func (a rawAdmin) Delete(ctx context.Context, id uuid.UUID) error {
	_, err := a.call(ctx, http.StatusNoContent, http.MethodDelete, identityPath(id), nil)
	return err
}

// SignIn implements [Admin].
func (s *Server) SignIn(ctx context.Context, email, password string) error {
	_, err := s.Login(ctx, email, password)
	return err
}

func (s *Server) sendAdmin(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	return s.exchange(ctx, method, s.AdminURL+path, body)
}

func (s *Server) exchange(ctx context.Context, method, address string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := s.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	var answer bytes.Buffer
	_, err = answer.ReadFrom(res.Body)
	return res.StatusCode, answer.Bytes(), err
}
