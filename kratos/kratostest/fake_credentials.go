package kratostest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
)

const (
	methodPassword = "password"
	methodOIDC     = "oidc"
	methodSAML     = "saml"
	methodTOTP     = "totp"
	methodLookup   = "lookup_secret"
	methodWebAuthn = "webauthn"
	methodPasskey  = "passkey"
	methodCode     = "code"

	maxPasswordLength = 72 // bytes, of bcrypt
)

// credential is a credential of an identity; its type is the key in
// fakeIdentity.credentials. config is nil for a webauthn entry created by the
// schema, and for oidc after the last provider was removed.
type credential struct {
	identifiers []string
	config      json.RawMessage
	version     int
}

type shownCredential struct {
	Type        string          `json:"type"`
	Identifiers []string        `json:"identifiers"`
	Config      json.RawMessage `json:"config,omitempty"`
	Version     int             `json:"version"`
}

// provider is a linked account in an oidc or saml credential.
type provider struct {
	Subject  string `json:"subject"`
	Provider string `json:"provider"`
}

func (p provider) identifier() string { return p.Provider + ":" + p.Subject }

// importCredentials adds the credentials of POST and PUT to the existing ones;
// a password replaces the previous one.
func (i *fakeIdentity) importCredentials(c *credentialsBody, o FakeOptions) (reply, bool) {
	if c == nil {
		return reply{}, true
	}
	if c.Password != nil {
		password := c.Password.Config.Password
		if len(password) > maxPasswordLength {
			return refusal(http.StatusInternalServerError, "", "the password is too long"), false
		}
		i.setPassword(password, c.Password.Config.HashedPassword != "")
	}
	for method, added := range map[string]*providersBody{methodOIDC: c.OIDC, methodSAML: c.SAML} {
		if added == nil || method == methodSAML && !o.ExternalIDs {
			continue
		}
		i.setProviders(method, append(i.providers(method), added.Config.Providers...))
	}
	return reply{}, true
}

func (i *fakeIdentity) setPassword(password string, hashed bool) {
	i.password = password
	c := credential{config: json.RawMessage(`{}`)}
	if password != "" || hashed {
		c.config = json.RawMessage(`{"hashed_password":"$fake$"}`)
	}
	i.setCredential(methodPassword, c)
}

func (i *fakeIdentity) setCredential(method string, c credential) {
	if i.credentials == nil {
		i.credentials = map[string]credential{}
	}
	i.credentials[method] = c
}

func (i *fakeIdentity) providers(method string) []provider {
	var config struct {
		Providers []provider `json:"providers"`
	}
	_ = json.Unmarshal(i.credentials[method].config, &config) // an empty config has none
	return config.Providers
}

func (i *fakeIdentity) setProviders(method string, all []provider) {
	c := credential{identifiers: []string{}}
	for _, p := range all {
		c.identifiers = append(c.identifiers, p.identifier())
	}
	if len(all) > 0 {
		c.config, _ = json.Marshal(map[string][]provider{"providers": all}) // cannot fail
	}
	i.setCredential(method, c)
}

// deriveCredentials updates identifiers from the traits. Types identified by
// the schema are listed whether or not anything is set; types no longer
// identified keep their identifiers.
func (i *fakeIdentity) deriveCredentials(d derived) {
	for method, identifiers := range d.identifiers {
		c, ok := i.credentials[method]
		c.identifiers = identifiers
		switch {
		case method == methodCode:
			c.version, c.config = 1, codeConfig(identifiers)
		case !ok && method == methodWebAuthn:
			c.version = 1
		case !ok:
			c.config = json.RawMessage(`{}`)
		}
		i.setCredential(method, c)
	}
}

func codeConfig(addresses []string) json.RawMessage {
	type address struct {
		Channel string `json:"channel"`
		Address string `json:"address"`
	}
	var all []address
	for _, a := range slices.Sorted(slices.Values(addresses)) {
		all = append(all, address{viaEmail, a})
	}
	config, _ := json.Marshal(map[string]any{"addresses": all}) // cannot fail
	return config
}

// identifiers returns what must be unique: identifiers by method, and
// addresses.
func (i *fakeIdentity) identifiers() []identifier {
	var all []identifier
	for _, address := range i.VerifiableAddresses {
		all = append(all, identifier{"verifiable by " + address.Via, address.Value})
	}
	for _, address := range i.RecoveryAddresses {
		all = append(all, identifier{"recoverable by " + address.Via, address.Value})
	}
	for method, c := range i.credentials {
		for _, value := range c.identifiers {
			all = append(all, identifier{method, value})
		}
	}
	return all
}

func (i *fakeIdentity) showCredentials(o FakeOptions, methods []string) map[string]shownCredential {
	shown := make(map[string]shownCredential, len(i.credentials))
	for method, c := range i.credentials {
		s := shownCredential{Type: method, Identifiers: slices.Sorted(slices.Values(c.identifiers)), Version: c.version}
		if s.Identifiers == nil {
			s.Identifiers = []string{}
		}
		if slices.Contains(methods, method) {
			s.Config = i.showConfig(o, method, c)
		}
		shown[method] = s
	}
	return shown
}

func (i *fakeIdentity) showConfig(o FakeOptions, method string, c credential) json.RawMessage {
	switch {
	case method == methodWebAuthn && c.config == nil:
		handle := base64.StdEncoding.EncodeToString(i.ID[:])
		return json.RawMessage(`{"user_handle":"` + handle + `"}`)
	case method == methodOIDC && c.config == nil && !o.ExternalIDs:
		return json.RawMessage(`{"providers":[{"subject":"","provider":""}]}`)
	}
	return c.config
}
