package kratos

import "encoding/json"

// The credential types of Kratos that need a rule of their own.
const (
	methodPassword = "password"
	methodCode     = "code"
	methodWebAuthn = "webauthn"
	methodOIDC     = "oidc"
	methodSAML     = "saml"
)

// declassified are the types whose config is asked for, because Kratos lists
// them for every identity whose schema has an identifier for them, whether or
// not anything is set: only the config tells. Both names are known to every
// version; an unknown one would be a 400.
var declassified = []string{methodPassword, methodWebAuthn}

// opens says whether a credential lets anybody sign in.
//
// A one-time code does not count: Kratos derives that credential from the
// traits alone, so every identity of such a schema has it from birth. A type
// that is not known here counts, for Kratos lists those only once something was
// set. So does a config that cannot be understood: then it is safer to leave
// the identity alone.
func (c credentialJSON) opens(method string) bool {
	switch method {
	case methodPassword:
		var config struct {
			HashedPassword   string `json:"hashed_password"`
			UseMigrationHook bool   `json:"use_password_migration_hook"`
		}
		return !missing(c.Config) &&
			(json.Unmarshal(c.Config, &config) != nil || config.HashedPassword != "" || config.UseMigrationHook)
	case methodWebAuthn:
		var config struct {
			Credentials []json.RawMessage `json:"credentials"`
		}
		return !missing(c.Config) &&
			(json.Unmarshal(c.Config, &config) != nil || len(config.Credentials) > 0)
	case methodCode:
		return false
	case methodOIDC, methodSAML:
		return len(c.Identifiers) > 0 // the last provider may have been unlinked
	}
	return true
}
