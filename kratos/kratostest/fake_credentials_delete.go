package kratostest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// deleteCredential handles DELETE /admin/identities/{id}/credentials/{type}.
func (f *Fake) deleteCredential(id uuid.UUID, method string, q url.Values) reply {
	return f.edit(id, func(i *fakeIdentity) (reply, bool) {
		if r, ok := i.deleteCredential(f.options, method, q.Get("identifier")); !ok {
			return r, false
		}
		r, ok := i.checkAndDerive(f.options)
		if ok {
			r = reply{status: http.StatusNoContent}
		}
		return r, ok
	})
}

func (i *fakeIdentity) deleteCredential(o FakeOptions, method, identifier string) (reply, bool) {
	c, ok := i.credentials[method]
	if !ok {
		return refusal(http.StatusNotFound, "no credential of type "+method, missingCredential), false
	}
	switch method {
	case methodTOTP, methodLookup:
		delete(i.credentials, method)
		return reply{}, true
	case methodWebAuthn:
		return i.deleteSecurityKeys(c)
	case methodPassword, methodOIDC, methodSAML:
		if o.ExternalIDs && i.firstFactors(o) < 2 {
			return badRequest("You cannot remove the last first factor credential.")
		}
	}
	switch {
	case method == methodPassword && o.ExternalIDs:
		i.setPassword("", false)
		return reply{}, true
	case method == methodOIDC || method == methodSAML && o.ExternalIDs:
		return i.deleteProvider(method, identifier)
	}
	return badRequest(fmt.Sprintf("credentials of the type %s cannot be deleted", method))
}

func (i *fakeIdentity) deleteProvider(method, identifier string) (reply, bool) {
	if identifier == "" {
		return badRequest("the identifier is missing")
	}
	all := i.providers(method)
	kept := slices.DeleteFunc(slices.Clone(all), func(p provider) bool { return p.identifier() == identifier })
	if len(kept) == len(all) {
		return refusal(http.StatusNotFound, "no account "+identifier, missingCredential), false
	}
	i.setProviders(method, kept)
	return reply{}, true
}

// missingCredential is Kratos' message for a missing credential or linked
// account.
const missingCredential = "The requested resource could not be found"

// keysConfig is the config of webauthn and passkey credentials.
type keysConfig struct {
	Credentials []json.RawMessage `json:"credentials"`
	UserHandle  json.RawMessage   `json:"user_handle,omitempty"`
}

func isPasswordless(key json.RawMessage) bool {
	var k struct {
		IsPasswordless bool `json:"is_passwordless"`
	}
	return json.Unmarshal(key, &k) == nil && k.IsPasswordless
}

// deleteSecurityKeys removes second factors and keeps passwordless keys, as
// Kratos does.
func (i *fakeIdentity) deleteSecurityKeys(c credential) (reply, bool) {
	var config keysConfig
	if c.config != nil && json.Unmarshal(c.config, &config) != nil {
		return refusal(http.StatusInternalServerError, "", "the config cannot be decoded"), false
	}
	config.Credentials = slices.DeleteFunc(config.Credentials, func(key json.RawMessage) bool { return !isPasswordless(key) })
	if len(config.Credentials) == 0 {
		delete(i.credentials, methodWebAuthn)
		return reply{}, true
	}
	c.config, _ = json.Marshal(config) // cannot fail: it was decoded before
	i.setCredential(methodWebAuthn, c)
	return reply{}, true
}

// firstFactors counts like Kratos, which ignores SAML.
func (i *fakeIdentity) firstFactors(o FakeOptions) (n int) {
	if o.CodeLogin {
		n++
	}
	if strings.Contains(string(i.credentials[methodPassword].config), "hashed_password") {
		n++
	}
	n += len(i.credentials[methodOIDC].identifiers)
	for _, method := range []string{methodWebAuthn, methodPasskey} {
		var config keysConfig
		_ = json.Unmarshal(i.credentials[method].config, &config) // an empty config has none
		for _, key := range config.Credentials {
			if method == methodPasskey || isPasswordless(key) {
				n++
			}
		}
	}
	return n
}
