package kratos

import (
	"encoding/json"
	"slices"

	"invitebridge/bridge"
)

// The credential types of Kratos that need a rule of their own.
const (
	methodPassword = "password"
	methodCode     = "code"
	methodWebAuthn = "webauthn"
	methodOIDC     = "oidc"
	methodSAML     = "saml"
	methodTOTP     = "totp"
	methodLookup   = "lookup_secret"
)

// declassified are the types whose config is asked for, because Kratos lists
// them for every identity whose schema has an identifier for them, whether or
// not anything is set: only the config tells. Both names are known to every
// version; an unknown one would be a 400.
var declassified = []string{methodPassword, methodWebAuthn}

// read gives a credential, and says whether it lets anybody sign in.
//
// A one-time code does not count: Kratos derives that credential from the
// traits alone, so every identity of such a schema has it from birth. A type
// that is not known here counts, for Kratos lists those only once something was
// set. So does a config that cannot be understood: then it is safer to leave
// the identity alone.
//
// Fixed are those that the admin API refuses to delete, or says it has and
// keeps, and all that are not understood. A password is replaced.
//
// Declassified says that the config was asked for. One that is missing then was
// taken out on its way, and may have said anything.
func (c credentialJSON) read(method string, declassified bool) (out bridge.Credential, opens bool) {
	out.Type = method
	switch method {
	case methodCode:
		return out, false
	case methodPassword:
		var config passwordConfig
		out.Fixed = !c.understood(&config, declassified)
		return out, out.Fixed || config.HashedPassword != "" || config.UseMigrationHook
	case methodWebAuthn:
		var config webAuthnConfig
		understood := c.understood(&config, declassified)
		out.Fixed = !understood || slices.ContainsFunc(config.Credentials, func(k webAuthnKey) bool { return k.IsPasswordless })
		return out, !understood || len(config.Credentials) > 0
	case methodOIDC, methodSAML:
		out.Identifiers = slices.Sorted(slices.Values(c.Identifiers))
		return out, len(out.Identifiers) > 0 // the last provider may have been unlinked
	case methodTOTP, methodLookup:
		return out, true
	}
	out.Fixed = true
	return out, true
}

type (
	passwordConfig struct {
		HashedPassword   string `json:"hashed_password"`
		UseMigrationHook bool   `json:"use_password_migration_hook"`
	}
	webAuthnConfig struct {
		Credentials []webAuthnKey `json:"credentials"`
	}
	webAuthnKey struct {
		IsPasswordless bool `json:"is_passwordless"`
	}
)

// understood reads the config.
func (c credentialJSON) understood(config any, declassified bool) bool {
	if missing(c.Config) {
		return !declassified
	}
	return json.Unmarshal(c.Config, config) == nil
}
