package kratostest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// Holder is an Admin that also acts as the holder of an account. [Server], with
// EveryMethod and OIDC, and [Fake] implement it.
type Holder interface {
	Admin

	// SetUp signs in with a password, stays signed in, sets up an authenticator
	// app and backup codes, and links an account of the OpenID provider.
	SetUp(ctx context.Context, identifier, password string) error

	// AddKey registers a security key: for "webauthn" a second factor or a
	// passwordless key; for "passkey" always a passwordless key.
	AddKey(ctx context.Context, id uuid.UUID, method string, passwordless bool) error
}

var (
	_ Holder = (*Server)(nil)
	_ Holder = (*Fake)(nil)
)

// SetUp implements [Holder].
func (s *Server) SetUp(ctx context.Context, identifier, password string) error {
	err := s.LinkSocial(ctx, identifier, password, Person{Subject: uuid.NewString(), Email: identifier})
	if err != nil {
		return err
	}
	token, err := s.Login(ctx, identifier, password)
	if err != nil {
		return err
	}
	if _, err := s.SetTOTP(ctx, token); err != nil {
		return err
	}
	_, err = s.SetLookupSecrets(ctx, token)
	return err
}

// AddKey implements [Holder]. Registering a key would need an authenticator, so
// this patches it in, which Kratos allows an administrator to do.
func (s *Server) AddKey(ctx context.Context, id uuid.UUID, method string, passwordless bool) error {
	value, err := json.Marshal(map[string]any{
		"type": method, "identifiers": []string{id.String()}, "config": keyConfigJSON(passwordless), "version": 1,
	})
	if err != nil {
		return err
	}
	_, err = s.Patch(ctx, id, fmt.Sprintf(`[{"op":"add","path":"/credentials/%s","value":%s}]`, method, value))
	return err
}

// SetUp implements [Holder].
func (f *Fake) SetUp(ctx context.Context, identifier, password string) error {
	if err := f.SignIn(ctx, identifier, password); err != nil {
		return err
	}
	id, err := f.Find(identifier)
	if err != nil {
		return err
	}
	if _, err := f.AddSession(id); err != nil {
		return err
	}
	for _, method := range []string{methodTOTP, methodLookup} {
		if err := f.SetCredential(id, method, ""); err != nil {
			return err
		}
	}
	return f.SetCredential(id, methodOIDC, "", "test:"+uuid.NewString())
}

// AddKey implements [Holder].
func (f *Fake) AddKey(_ context.Context, id uuid.UUID, method string, passwordless bool) error {
	return f.SetCredential(id, method, string(keyConfigJSON(passwordless)))
}

func keyConfigJSON(passwordless bool) json.RawMessage {
	return fmt.Appendf(nil, `{"user_handle":"AAA=","credentials":[{"id":"AAAA","public_key":"","attestation_type":"none",
		"authenticator":{"aaguid":"","sign_count":0,"clone_warning":false},"display_name":"key","added_at":"2031-02-03T04:05:06Z","is_passwordless":%t}]}`, passwordless)
}
