package kratostest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// ErrNotLinked reports that no identity has this account of a provider.
var ErrNotLinked = errors.New("no identity has this social account")

// Do sends any request of the admin API without the bridge; it bypasses all
// faults, counters and the log.
func (f *Fake) Do(method, path, body string) (status int, answer string) {
	status, raw, err := f.sendAdmin(context.Background(), method, path, []byte(body))
	if err != nil {
		return 0, err.Error()
	}
	return status, string(raw)
}

// SetCredential adds or replaces a credential of an identity, as its holder
// does in the settings. config is what the admin API shows; it may be empty for
// types that need none here. identifiers are "provider:subject" for oidc and
// saml, which have no other config; identifiers derived from the traits are
// ignored. Without identifiers it uses the identity's id, as Kratos does for
// totp, lookup_secret and passkey. Passwords are set with [Admin].
func (f *Fake) SetCredential(id uuid.UUID, method, config string, identifiers ...string) error {
	return f.alter(id, func(i *fakeIdentity) error {
		switch {
		case method == methodPassword || method == methodCode:
			return fmt.Errorf("kratostest: %s cannot be set with SetCredential", method)
		case method == methodOIDC || method == methodSAML:
			all, err := parseProviders(identifiers)
			if err != nil {
				return err
			}
			i.setProviders(method, all)
			return nil
		case len(identifiers) == 0:
			identifiers = []string{id.String()}
		}
		if config == "" {
			config = "{}"
		}
		if !json.Valid([]byte(config)) {
			return fmt.Errorf("kratostest: the config %s is not JSON", config)
		}
		version := 0
		if method == methodWebAuthn || method == methodPasskey {
			version = 1
		}
		i.setCredential(method, credential{slices.Clone(identifiers), json.RawMessage(config), version})
		return nil
	})
}

// RemoveCredential removes a credential, as its holder does in the settings.
// Types that the schema identifies by stay listed, without allowing to sign in.
func (f *Fake) RemoveCredential(id uuid.UUID, method string) error {
	return f.alter(id, func(i *fakeIdentity) error {
		if method == methodPassword {
			i.password = ""
		}
		delete(i.credentials, method)
		return nil
	})
}

func parseProviders(identifiers []string) ([]provider, error) {
	var all []provider
	for _, text := range identifiers {
		name, subject, ok := strings.Cut(text, ":")
		if !ok {
			return nil, fmt.Errorf("kratostest: %q is not of the form provider:subject", text)
		}
		all = append(all, provider{subject, name})
	}
	return all, nil
}

// alter changes an identity outside the admin API.
func (f *Fake) alter(id uuid.UUID, change func(*fakeIdentity) error) error {
	var failed error
	found, stored := f.identity.change(id, func(i *fakeIdentity) bool {
		if failed = change(i); failed != nil {
			return false
		}
		_, ok := i.checkAndDerive(f.options)
		return ok
	})
	switch {
	case !found:
		return errNoIdentity
	case failed != nil:
		return failed
	case !stored:
		return errors.New("kratostest: an identifier is already in use")
	}
	return nil
}

// SignIn compares a password.
//
// Errors: ErrWrongPassword, ErrInactive.
func (f *Fake) SignIn(_ context.Context, identifier, password string) error {
	i, ok := f.identity.byIdentifier(methodPassword, identifier)
	switch {
	case !ok || i.password == "" || i.password != password:
		return ErrWrongPassword
	case i.State != stateActive:
		return ErrInactive
	}
	return nil
}

// SignInOIDC signs in with an account of a provider.
//
// Errors: ErrNotLinked, ErrInactive.
func (f *Fake) SignInOIDC(providerID, subject string) error {
	i, ok := f.identity.byIdentifier(methodOIDC, provider{subject, providerID}.identifier())
	switch {
	case !ok:
		return ErrNotLinked
	case i.State != stateActive:
		return ErrInactive
	}
	return nil
}

// Len returns the number of identities.
func (f *Fake) Len() int { return f.identity.len() }

var errNoIdentity = errors.New("kratostest: no such identity")

// Find returns the id of the identity that has identifier as a password
// identifier.
func (f *Fake) Find(identifier string) (uuid.UUID, error) {
	i, ok := f.identity.byIdentifier(methodPassword, identifier)
	if !ok {
		return uuid.Nil, errNoIdentity
	}
	return i.ID, nil
}
