package kratos

import (
	"slices"

	"invitebridge/bridge"
)

// These credential types of Kratos need rules of their own.
const (
	methodPassword = "password"
	methodCode     = "code"
	methodWebAuthn = "webauthn"
	methodOIDC     = "oidc"
	methodSAML     = "saml"
	methodTOTP     = "totp"
	methodLookup   = "lookup_secret"
)

// declassified lists the credential types whose config is requested. Kratos
// lists them for every identity whose schema has an identifier for them,
// whether or not anything is set; only the config shows which. Both names are
// known to every version; Kratos answers an unknown one with 400.
var declassified = []string{methodPassword, methodWebAuthn}

// read returns the credential and reports whether it allows signing in.
//
// A one-time code does not count: Kratos derives that credential from the
// traits alone, so every identity of such a schema has it from the start. A
// type that is not known here counts, because Kratos lists other types only
// once something was set. A config that cannot be decoded counts as well:
// leaving the identity alone is the safer choice.
//
// Fixed marks credentials that the admin API refuses to delete or claims to
// delete but keeps, and all that cannot be decoded. A password is replaced
// instead.
//
// declassified reports that the config was requested. If it is missing
// nevertheless, something removed it in transit, and it may have contained
// anything.
func (c credentialJSON) read(method string, declassified bool) (out bridge.Credential, opens bool) {
	out.Type = method
	switch method {
	case methodCode:
		return out, false
	case methodPassword:
		var config passwordConfig
		out.Fixed = !c.decodeConfig(&config, declassified)
		return out, out.Fixed || config.HashedPassword != "" || config.UseMigrationHook
	case methodWebAuthn:
		var config webAuthnConfig
		understood := c.decodeConfig(&config, declassified)
		out.Fixed = !understood || slices.ContainsFunc(config.Credentials, func(k webAuthnKey) bool { return k.IsPasswordless })
		return out, !understood || len(config.Credentials) > 0
	case methodOIDC, methodSAML:
		out.Identifiers = sorted(c.Identifiers)
		return out, len(out.Identifiers) > 0 // empty after the last provider was unlinked
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

// decodeConfig decodes the config and reports whether it could.
func (c credentialJSON) decodeConfig(config any, declassified bool) bool {
	if missing(c.Config) {
		return !declassified
	}
	return parse(c.Config, config) == nil
}
