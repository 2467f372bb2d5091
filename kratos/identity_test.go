package kratos_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// canned makes a client whose Kratos gives one answer to everything.
func canned(t *testing.T, status int, body string) *kratos.Client {
	t.Helper()
	return newClient(t, kratos.Config{AdminURL: "http://kratos.invalid", Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	})})
}

var cannedID = uuid.MustParse("0199a5c0-0000-7000-8000-000000000001")

func cannedIdentity(members string) string {
	return fmt.Sprintf(`{"id":%q,"schema_id":"default","state":"inactive","traits":{"email":"Ada@Example.com"}%s}`, cannedID, members)
}

// The answers are those of Kratos to identities whose schema names the trait an
// identifier for passwords, security keys and codes alike.
func TestHasCredentials(t *testing.T) {
	for credentials, want := range map[string]bool{
		`{}`: false,
		`{"password":{"identifiers":["ada@example.com"],"config":{},"version":0}}`:                                                   false,
		`{"password":{"identifiers":["ada@example.com"],"version":0}}`:                                                               false,
		`{"password":{"identifiers":["ada@example.com"],"config":{"hashed_password":""}}}`:                                           false,
		`{"password":{"identifiers":["ada@example.com"],"config":{"hashed_password":"$2a$04$x"}}}`:                                   true,
		`{"password":{"identifiers":["ada@example.com"],"config":{"hashed_password":"","use_password_migration_hook":true}}}`:        true,
		`{"password":{"identifiers":["ada@example.com"],"config":"?"}}`:                                                              true,
		`{"webauthn":{"identifiers":["ada@example.com"],"config":{},"version":0}}`:                                                   false,
		`{"webauthn":{"identifiers":["ada@example.com"],"config":{"credentials":[],"user_handle":"x"}}}`:                             false,
		`{"webauthn":{"identifiers":["ada@example.com"],"config":{"credentials":[{"id":"x"}]}}}`:                                     true,
		`{"code":{"identifiers":["ada@example.com"],"config":{"addresses":[{"channel":"email","address":"ada@example.com"}]}}}`:      false,
		`{"oidc":{"identifiers":["idp:1"],"version":0}}`:                                                                             true,
		`{"oidc":{"identifiers":[],"version":0}}`:                                                                                    false,
		`{"saml":{"identifiers":["idp:1"],"version":0}}`:                                                                             true,
		`{"totp":{"identifiers":["0199a5c0-0000-7000-8000-000000000001"]}}`:                                                          true,
		`{"passkey":{"identifiers":["x"]}}`:                                                                                          true,
		`{"lookup_secret":{"identifiers":["x"]}}`:                                                                                    true,
		`{"tomorrows_method":{"identifiers":["x"]}}`:                                                                                 true,
		`{"password":{"identifiers":["ada@example.com"],"config":{}},"code":{"identifiers":["x"]},"oidc":{"identifiers":["idp:1"]}}`: true,
	} {
		i, err := canned(t, 200, cannedIdentity(`,"credentials":`+credentials)).Get(t.Context(), cannedID)
		if err != nil || i.HasCredentials != want {
			t.Errorf("%s: %v, %v", credentials, i.HasCredentials, err)
		}
	}
}

func TestMark(t *testing.T) {
	id := uuid.MustParse("0199a5c0-0000-7000-8000-000000000002")
	mark := fmt.Sprintf(`"invitation":{"id":%q}`, id)
	for _, test := range []struct {
		metadata, rest  string
		marked, foreign bool
	}{
		{`null`, ``, false, false},
		{`{}`, ``, false, false},
		{` { } `, ``, false, false},
		{`{` + mark + `}`, ``, true, false},
		{`{"z":1.0,` + mark + `,"a":2}`, `{"z":1.0,"a":2}`, true, false}, // in their order
		{`{"z":1.0,"a":2}`, `{"z":1.0,"a":2}`, false, false},
		{fmt.Sprintf(`{"invitation":{"id":%q,"accepted_at":""}}`, id), ``, true, false},
		{fmt.Sprintf(`{"invitation":{"id":%q,"accepted_at":"noon"}}`, id), fmt.Sprintf(`{"invitation":{"id":%q,"accepted_at":"noon"}}`, id), false, true},
		{`{"invitation":{"id":"00000000-0000-0000-0000-000000000000"}}`, `{"invitation":{"id":"00000000-0000-0000-0000-000000000000"}}`, false, true},
		{`{"invitation":null}`, `{"invitation":null}`, false, true},
		{`{` + mark + `,"invitation":7}`, `{` + mark + `,"invitation":7}`, false, true},
		{`[{` + mark + `}]`, `[{` + mark + `}]`, false, true},
		{`"text"`, `"text"`, false, true},
	} {
		i, err := canned(t, 200, cannedIdentity(`,"metadata_admin":`+test.metadata)).Get(t.Context(), cannedID)
		if err != nil {
			t.Errorf("%s: %v", test.metadata, err)
		}
		if string(i.MetadataAdmin) != test.rest || (i.Mark.InvitationID == id) != test.marked || i.MarkForeign != test.foreign {
			t.Errorf("%s: rest %s, mark %+v, foreign %v", test.metadata, i.MetadataAdmin, i.Mark, i.MarkForeign)
		}
	}
}

func TestEmail(t *testing.T) {
	for members, want := range map[string]string{
		``: "ada@example.com",
		`,"verifiable_addresses":[{"via":"email","value":"ada@example.com"}]`:                                        "ada@example.com",
		`,"verifiable_addresses":[{"via":"email","value":"other@example.com"},{"via":"sms","value":"+49301234567"}]`: "ada@example.com",
		`,"traits":{}`:          "",
		`,"traits":{"email":7}`: "",
		`,"traits":[]`:          "",
	} {
		i, err := canned(t, 200, cannedIdentity(members)).Get(t.Context(), cannedID)
		if err != nil || i.Email != want {
			t.Errorf("%s: %q, %v", members, i.Email, err)
		}
	}
}

func TestFindByEmail_severalFound(t *testing.T) {
	const email = "ada@example.com"
	identity := func(id int, trait, identifiers string) string {
		return fmt.Sprintf(`{"id":"0199a5c0-0000-7000-8000-%012d","schema_id":"default","state":"active","traits":{"email":%q},"credentials":{%s}}`, id, trait, identifiers)
	}
	const (
		named  = `"password":{"identifiers":["Ada@example.com"]}`
		coded  = `"code":{"identifiers":["ada@example.com"]}`
		social = `"oidc":{"identifiers":["ada@example.com"]}`
	)
	for _, test := range []struct {
		name  string
		found []string
		want  int // 0: none, -1: refused
	}{
		{"nobody", nil, 0},
		{"the one", []string{identity(1, email, named)}, 1},
		{"one whose trait differs", []string{identity(1, "x@example.com", named)}, 1},
		{"one found by a provider's subject", []string{identity(1, "x@example.com", social)}, 0},
		{"one that does not match at all", []string{identity(1, "x@example.com", "")}, 0},
		{"a user name and a mailbox", []string{identity(1, "x@example.com", named), identity(2, email, coded)}, 2},
		{"two user names", []string{identity(1, "x@example.com", named), identity(2, "y@example.com", coded)}, -1},
		{"two mailboxes", []string{identity(1, email, named), identity(2, email, coded)}, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			i, err := canned(t, 200, "["+strings.Join(test.found, ",")+"]").FindByEmail(t.Context(), email)
			switch {
			case test.want > 0 && (err != nil || i.ID.String()[35] != byte('0'+test.want)):
				t.Errorf("found %v, %v", i.ID, err)
			case test.want == 0 && !errors.Is(err, bridge.ErrIdentityNotFound), test.want < 0 && !isOutcome(err, bridge.OutcomeRefused):
				t.Errorf("found %v, %v", i.ID, err)
			}
		})
	}
}

// Without a filter, Kratos lists everybody.
func TestFindByEmail_empty(t *testing.T) {
	c := newClient(t, kratos.Config{AdminURL: "http://kratos.invalid", Transport: transportFunc(func(*http.Request) (*http.Response, error) {
		t.Error("it asked")
		return nil, http.ErrNotSupported
	})})
	if _, err := c.FindByEmail(t.Context(), ""); !isOutcome(err, bridge.OutcomeInvalid) {
		t.Errorf("error is %v", err)
	}
}

func TestCreate_reason(t *testing.T) {
	for reason, want := range map[string]string{
		`I[#/traits] S[#/properties/traits] validation failed\n  I[#/traits/email] S[#/a] validation failed\n    I[#/traits/email] S[#/a/format] \"x\" is not valid \"email\"\n    I[#/traits/email] S[#/b/format] \"x\" is not valid \"email\"\n  I[#/traits] S[#/c] additionalProperties \"y\" not allowed`: `traits.email: "x" is not valid "email"; traits: additionalProperties "y" not allowed`,
		`I[#] S[#/required] missing properties: \"traits\"`: `missing properties: "traits"`,
		`Unable to find\nit`:                `Unable to find it`,
		strings.Repeat("long ", 1000):       strings.Repeat("long ", 120) + "…",
		`I[#/traits] S[] validation failed`: `I[#/traits] S[] validation failed`,
	} {
		_, err := canned(t, 400, `{"error":{"code":400,"reason":"`+reason+`","message":"bad"}}`).
			Create(t.Context(), bridge.NewIdentity{InvitationID: cannedID, SchemaID: "default", Traits: []byte(`{}`)})
		var e *bridge.IdentityError
		if !errors.As(err, &e) || e.Outcome != bridge.OutcomeInvalid || e.Reason != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
