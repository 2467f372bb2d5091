package kratos_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

var verifiedAt = time.Unix(1e9, 0)

// The PATCH changes only the address, and a later PUT keeps that change.
func TestVerify_changesOnlyTheAddress(t *testing.T) {
	s, f := kratostest.Shared(t), newFake(t, kratostest.FakeOptions{ExternalIDs: true})
	for name, kr := range map[string]struct {
		url        string
		admin      kratostest.Admin
		externalID string
	}{
		"Fake": {f.URL, f, `"external_id":"crm-7",`},
		"Real": {s.AdminURL, s, ``},
	} {
		t.Run(name, func(t *testing.T) {
			email, mark := uuid.NewString()+"@example.com", uuid.New()
			id, err := kr.admin.Create(t.Context(), `{"schema_id":"default","state":"inactive",`+kr.externalID+`
				"traits":{"email":"`+strings.ToUpper(email)+`","numbers":[1.10,12345678901234567890]},
				"metadata_public":{"html":"<&>","n":1.0},"metadata_admin":{"n":12345678901234567890,"invitation":{"id":"`+mark.String()+`"}}}`)
			must(t, err)
			shown := func() (rest, addresses string) {
				var whole map[string]json.RawMessage
				answer, err := kr.admin.Read(t.Context(), id)
				must(t, err)
				must(t, json.Unmarshal(answer, &whole))
				addresses = string(whole["verifiable_addresses"])
				for _, own := range []string{"verifiable_addresses", "credentials", "updated_at"} { // these change with every write
					delete(whole, own)
				}
				text, err := json.Marshal(whole)
				must(t, err)
				return string(text), addresses
			}
			before, _ := shown()
			c := newClient(t, kratos.Config{AdminURL: kr.url, Timeout: longTimeout})
			i, err := c.Get(t.Context(), id)
			must(t, err)
			must(t, errorOf(c.Write(t.Context(), i, bridge.WriteVerified{At: verifiedAt})))
			after, marked := shown()
			if after != before || !strings.Contains(marked, `"verified":true`) || !strings.Contains(marked, `"completed"`) {
				t.Errorf("after:  %s %s\nbefore: %s", after, marked, before)
			}
			must(t, errorOf(c.Write(t.Context(), i, (&fixture{mark: mark}).activation())))
			if _, kept := shown(); kept != marked {
				t.Errorf("the PUT made it %s, was %s", kept, marked)
			}
			must(t, kr.admin.SignIn(t.Context(), email, invitedPassword))
		})
	}
}

// The identity may change between the read and the PATCH.
func TestVerify_concurrentChange(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(*testing.T, *fixture) error
		want      error
		verified  bool
	}{
		"activated": {func(t *testing.T, b *fixture) error {
			return b.fake.Activate(t.Context(), b.made.ID, "their own")
		}, nil, true}, // the address is still the same
		"moved": {func(t *testing.T, b *fixture) error {
			return b.fake.Replace(t.Context(), b.made.ID, `{"schema_id":"default","state":"inactive","traits":{"email":"eve@example.com"}}`)
		}, bridge.ErrIdentityRace, false},
		"deleted": {func(t *testing.T, b *fixture) error {
			return b.fake.Delete(t.Context(), b.made.ID)
		}, bridge.ErrIdentityNotFound, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newFixture(t, kratos.Config{})
			b.fake.Inject(kratostest.Fault{Method: http.MethodPatch, Route: kratostest.RouteIdentity, Arrived: func() {
				if err := test.meanwhile(t, b); err != nil {
					t.Error(err)
				}
			}})
			if err := errorOf(b.client.Write(t.Context(), b.made, bridge.WriteVerified{At: verifiedAt})); !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
			if b.fake.Len() == 1 && strings.Contains(b.shown(t), `"verified":true`) != test.verified {
				t.Errorf("the identity is now %s", b.shown(t))
			}
		})
	}
}

// The index comes from the read. An index that no longer exists changes nothing
// in Kratos, and must not count as a success.
func TestVerify_index(t *testing.T) {
	b, patches := newFixture(t, kratos.Config{}), []string(nil)
	c := newClient(t, kratos.Config{AdminURL: b.fake.URL, Transport: recordBodies(http.MethodPatch, &patches)})
	i := b.made
	i.EmailIndex = 2
	if err := errorOf(c.Write(t.Context(), i, bridge.WriteVerified{At: verifiedAt})); !errors.Is(err, bridge.ErrIdentityRace) {
		t.Errorf("error is %v", err)
	}
	want := `[{"op":"replace","path":"/verifiable_addresses/2/value","value":"ada@example.com"},` +
		`{"op":"replace","path":"/verifiable_addresses/2/verified","value":true},` +
		`{"op":"replace","path":"/verifiable_addresses/2/status","value":"completed"},` +
		`{"op":"replace","path":"/verifiable_addresses/2/verified_at","value":"2001-09-09T01:46:40.000000Z"}]`
	if len(patches) != 1 || strings.TrimSpace(patches[0]) != want {
		t.Errorf("sent %s\nwant %s", patches, want)
	}
	if strings.Contains(b.shown(t), `"verified":true`) {
		t.Errorf("the identity is now %s", b.shown(t))
	}
}
