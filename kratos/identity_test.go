package kratos_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// canned returns a client whose Kratos sends the same response to every
// request.
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

func TestMark(t *testing.T) {
	id := uuid.MustParse("0199a5c0-0000-7000-8000-000000000002")
	mark := fmt.Sprintf(`"invitation":{"id":%q}`, id)
	for _, test := range []struct {
		metadata, rest   string
		marked, conflict bool
	}{
		{`null`, ``, false, false},
		{`{}`, ``, false, false},
		{` { } `, ``, false, false},
		{`{` + mark + `}`, ``, true, false},
		{`{"z":1.0,` + mark + `,"a":2}`, `{"z":1.0,"a":2}`, true, false}, // keeping the order
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
		if string(i.MetadataAdmin) != test.rest || (i.Mark.InvitationID == id) != test.marked || i.MetadataConflict != test.conflict {
			t.Errorf("%s: rest %s, mark %+v, conflict %v", test.metadata, i.MetadataAdmin, i.Mark, i.MetadataConflict)
		}
	}
}

// Marks of earlier releases have no origin; marks of this release keep theirs.
func TestMark_roundTrip(t *testing.T) {
	b := newFixture(t, kratos.Config{})
	for origin, text := range map[bridge.Origin]string{
		"": `{"id":"%s"}`, bridge.OriginCreated: `{"id":"%s"}`,
		bridge.OriginAdopted: `{"id":"%s","origin":"adopted"}`, bridge.OriginReactivated: `{"id":"%s","origin":"reactivated"}`,
	} {
		mark := bridge.Mark{InvitationID: uuid.New(), Origin: origin}
		must(t, errorOf(b.client.Write(t.Context(), b.made, bridge.WriteMark{Mark: mark})))
		if want := fmt.Sprintf(`"metadata_admin":{"invitation":`+text+`}`, mark.InvitationID); !strings.Contains(b.shown(t), want) {
			t.Errorf("%q: %s, want %s", origin, b.shown(t), want)
		}
		i, err := b.client.Get(t.Context(), b.made.ID)
		must(t, err)
		if origin == bridge.OriginCreated {
			mark.Origin = ""
		}
		if i.Mark != mark {
			t.Errorf("%+v, want %+v", i.Mark, mark)
		}
	}
	i, err := canned(t, 200, cannedIdentity(fmt.Sprintf(`,"metadata_admin":{"invitation":{"id":%q,"accepted_at":"2025-01-02T03:04:05.678901234+02:00"}}`, cannedID))).
		Get(t.Context(), cannedID)
	want := bridge.Mark{InvitationID: cannedID, AcceptedAt: time.Date(2025, 1, 2, 1, 4, 5, 678901000, time.UTC)}
	if err != nil || i.Mark != want || !i.ActivatedBy(cannedID) {
		t.Errorf("%+v, %v; want %+v", i.Mark, err, want)
	}
}

func TestEmail(t *testing.T) {
	const mailbox = `{"via":"email","value":"ada@example.com"}`
	for _, test := range []struct {
		members, email string
		index          int
		verified       bool
		others         []string
	}{
		{members: ``, email: "ada@example.com", index: -1},
		{members: `,"verifiable_addresses":[` + mailbox + `]`, email: "ada@example.com"},
		{
			members: `,"verifiable_addresses":[{"via":"email","value":"Other@example.com","verified":true},{"via":"sms","value":"ada@example.com","verified":true},` + mailbox + `]`,
			email:   "ada@example.com", index: 2, others: []string{"other@example.com"},
		},
		{
			members: `,"verifiable_addresses":[{"via":"email","value":"ada@example.com","verified":true}],"recovery_addresses":[` + mailbox + `,{"via":"sms","value":"+49301234567"}],` +
				`"credentials":{"code":{"identifiers":["ada@example.com","b@example.com","+49301234567"]}}`,
			email: "ada@example.com", verified: true, others: []string{"+49301234567", "b@example.com"},
		},
		{members: `,"traits":{},"recovery_addresses":[` + mailbox + `]`, index: -1, others: []string{"ada@example.com"}},
		{members: `,"traits":{"email":7}`, index: -1},
		{members: `,"traits":[]`, index: -1},
	} {
		i, err := canned(t, 200, cannedIdentity(test.members)).Get(t.Context(), cannedID)
		if err != nil || i.Email != test.email || i.EmailIndex != test.index || i.EmailVerified != test.verified || !slices.Equal(i.Addresses, test.others) {
			t.Errorf("%s: %+v, %v", test.members, i, err)
		}
	}
}

// A time keeps its zone and every digit.
func TestTimes(t *testing.T) {
	i, err := canned(t, 200, cannedIdentity(`,"external_id":"crm-7","created_at":"2026-11-29T08:15:02.68359Z","state_changed_at":"2026-11-29T17:15:02.682894376+09:00"`)).
		Get(t.Context(), cannedID)
	_, offset := i.StateChangedAt.Zone()
	if err != nil || i.ExternalID != "crm-7" || offset != 9*60*60 ||
		!i.CreatedAt.Equal(time.Date(2026, 11, 29, 8, 15, 2, 683590000, time.UTC)) ||
		!i.StateChangedAt.Equal(time.Date(2026, 11, 29, 8, 15, 2, 682894376, time.UTC)) {
		t.Errorf("%+v, %v", i, err)
	}
	for _, members := range []string{``, `,"state_changed_at":null,"created_at":null`} {
		if i, err := canned(t, 200, cannedIdentity(members)).Get(t.Context(), cannedID); err != nil || !i.CreatedAt.IsZero() || !i.StateChangedAt.IsZero() {
			t.Errorf("%s: %+v, %v", members, i, err)
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
		want  int // 0: none, -1: rejected
	}{
		{"none", nil, 0},
		{"a match", []string{identity(1, email, named)}, 1},
		{"a user name that looks like the address", []string{identity(1, "x@example.com", named)}, 0},
		{"no mailbox", []string{identity(1, "", named)}, 0},
		{"a provider's subject", []string{identity(1, "x@example.com", social)}, 0},
		{"no match at all", []string{identity(1, "x@example.com", "")}, 0},
		{"a user name and a mailbox", []string{identity(1, "x@example.com", named), identity(2, email, coded)}, 2},
		{"two mailboxes", []string{identity(1, email, named), identity(2, email, coded)}, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			i, err := canned(t, 200, "["+strings.Join(test.found, ",")+"]").FindByEmail(t.Context(), email)
			switch {
			case test.want > 0 && (err != nil || i.ID.String()[35] != byte('0'+test.want)):
				t.Errorf("found %v, %v", i.ID, err)
			case test.want == 0 && !errors.Is(err, bridge.ErrIdentityNotFound), test.want < 0 && !isOutcome(err, bridge.OutcomeRejected):
				t.Errorf("found %v, %v", i.ID, err)
			}
		})
	}
}

// Without a filter, Kratos would list all identities.
func TestFindByEmail_empty(t *testing.T) {
	c := newClient(t, kratos.Config{AdminURL: "http://kratos.invalid", Transport: transportFunc(func(*http.Request) (*http.Response, error) {
		t.Error("it sent a request")
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
			Create(t.Context(), bridge.IdentityParams{InvitationID: cannedID, SchemaID: "default", Traits: []byte(`{}`)})
		var e *bridge.IdentityError
		if !errors.As(err, &e) || e.Outcome != bridge.OutcomeInvalid || e.Reason != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
