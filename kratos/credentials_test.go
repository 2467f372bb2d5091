package kratos_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
)

// The responses are those of Kratos for identities whose schema marks the trait
// as an identifier for passwords, security keys and codes.
func TestCredentials(t *testing.T) {
	of := func(method string) []bridge.Credential { return []bridge.Credential{{Type: method}} }
	fixed := func(method string) []bridge.Credential { return []bridge.Credential{{Type: method, Fixed: true}} }
	links := func(method string, identifiers ...string) []bridge.Credential {
		return []bridge.Credential{{Type: method, Identifiers: identifiers}}
	}
	for credentials, want := range map[string][]bridge.Credential{
		`{}`: nil,

		`{"password":{"identifiers":["ada@example.com"],"config":{},"version":0}}`:                                            nil,
		`{"password":{"identifiers":["ada@example.com"],"version":0}}`:                                                        fixed("password"),
		`{"password":{"identifiers":["ada@example.com"],"config":null}}`:                                                      fixed("password"),
		`{"password":{"identifiers":["ada@example.com"],"config":{"hashed_password":""}}}`:                                    nil,
		`{"password":{"identifiers":["ada@example.com"],"config":{"hashed_password":"$2a$04$x"}}}`:                            of("password"),
		`{"password":{"identifiers":["ada@example.com"],"config":{"hashed_password":"","use_password_migration_hook":true}}}`: of("password"),
		`{"password":{"identifiers":["ada@example.com"],"config":"?"}}`:                                                       fixed("password"),

		`{"webauthn":{"identifiers":["ada@example.com"],"config":{},"version":0}}`:                                                          nil,
		`{"webauthn":{"identifiers":["ada@example.com"],"version":1}}`:                                                                      fixed("webauthn"),
		`{"webauthn":{"identifiers":["ada@example.com"],"config":{"user_handle":"x"},"version":1}}`:                                         nil,
		`{"webauthn":{"identifiers":["ada@example.com"],"config":{"credentials":[],"user_handle":"x"}}}`:                                    nil,
		`{"webauthn":{"identifiers":["ada@example.com"],"config":{"credentials":[{"id":"x","is_passwordless":false}]}}}`:                    of("webauthn"),
		`{"webauthn":{"identifiers":["ada@example.com"],"config":{"credentials":[{"id":"x"},{"id":"y","is_passwordless":true}]}}}`:          fixed("webauthn"),
		`{"webauthn":{"identifiers":["ada@example.com"],"config":{"credentials":"?"}}}`:                                                     fixed("webauthn"),
		`{"code":{"identifiers":["ada@example.com"],"config":{"addresses":[{"channel":"email","address":"ada@example.com"}]},"version":1}}`: nil,

		`{"oidc":{"identifiers":["idp:2","idp:1"],"version":0}}`: links("oidc", "idp:1", "idp:2"),
		`{"oidc":{"identifiers":[],"version":0}}`:                nil,
		`{"oidc":{"version":0}}`:                                 nil,
		`{"saml":{"identifiers":["idp:1"],"version":0}}`:         links("saml", "idp:1"),
		`{"saml":{"identifiers":[],"version":0}}`:                nil,

		`{"totp":{"identifiers":["0199a5c0-0000-7000-8000-000000000001"]}}`:          of("totp"),
		`{"lookup_secret":{"identifiers":["0199a5c0-0000-7000-8000-000000000001"]}}`: of("lookup_secret"),
		`{"passkey":{"identifiers":["x"]}}`:                                          fixed("passkey"),
		`{"deviceauthn":{"identifiers":["x"]}}`:                                      fixed("deviceauthn"),
		`{"tomorrows_method":{}}`:                                                    fixed("tomorrows_method"),

		`{"password":{"identifiers":["ada@example.com"],"config":{}},"code":{"identifiers":["x"]},"totp":{"identifiers":["x"]},"oidc":{"identifiers":["idp:1"]}}`: {
			{Type: "oidc", Identifiers: []string{"idp:1"}}, {Type: "totp"},
		},
	} {
		i, err := canned(t, 200, cannedIdentity(`,"credentials":`+credentials)).Get(t.Context(), cannedID)
		if diff := cmp.Diff(want, i.Credentials); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", credentials, err, diff)
		}
	}
}

// Identifiers are what is entered with a password; an email address may be one.
func TestIdentifiers(t *testing.T) {
	i, err := canned(t, 200, cannedIdentity(`,"credentials":{"password":{"identifiers":["zoe","ada@example.com"]},"code":{"identifiers":["x@example.com"]}}`)).
		Get(t.Context(), cannedID)
	if diff := cmp.Diff([]string{"ada@example.com", "zoe"}, i.Identifiers); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
