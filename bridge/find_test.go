package bridge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// conflict invites, expects a conflict, and returns its reason. It checks that
// no bystander was changed or named.
func conflict(t *testing.T, w *bridgetest.Harness, r bridge.InviteRequest, bystanders ...uuid.UUID) string {
	t.Helper()
	read := func() (all string) {
		for _, id := range bystanders {
			raw, err := w.Kratos.Read(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			all += string(raw)
		}
		return all
	}
	before := read()
	_, err := w.Service.Invite(t.Context(), r)
	e := refusal(t, err, bridge.ErrIdentityConflict)
	if read() != before {
		t.Error("a refusal changed an identity")
	}
	for _, id := range bystanders {
		if strings.Contains(fmt.Sprint(e.Reason, e.Extra), id.String()) {
			t.Errorf("the error names an identity: %s", e.Reason)
		}
	}
	return e.Reason
}

// otherIdentifiers are schemas whose users sign in with something other than
// the address; the address is only verified.
var otherIdentifiers = map[string]struct{ trait, value, signIn string }{
	"named": {"username", "Dee", "dee"},
	"phone": {"phone", "+49 1512 3456789", "+49 1512 3456789"},
}

// TestInviteAgainByAnotherIdentifier: a former invitee can be invited again
// although Kratos does not find the address, with or without the identifier.
func TestInviteAgainByAnotherIdentifier(t *testing.T) {
	for schema, with := range otherIdentifiers {
		full := traits(`{%q:%q}`, with.trait, with.value)
		for name, again := range map[string]json.RawMessage{"the same": full, "the address alone": nil, "with the address": traits(`{"email":%q,%q:%q}`, email, with.trait, with.value)} {
			t.Run(schema+", "+name, func(t *testing.T) {
				w := newWithSchema(t, schema)
				first := invite(t, w, bridge.InviteRequest{Email: email, Traits: full})
				if _, err := w.Service.Revoke(t.Context(), first.Invitation.ID); err != nil {
					t.Fatal(err)
				}
				second := invite(t, w, bridge.InviteRequest{Email: email, Traits: again})
				if !second.Created || second.Invitation.IdentityID != first.Invitation.IdentityID || w.Kratos.Len() != 1 {
					t.Fatalf("invited %+v, and there are %d identities", second.Invitation, w.Kratos.Len())
				}
				if _, err := w.Service.Accept(t.Context(), second.Token.Reveal(), password); err != nil {
					t.Fatal(err)
				}
				if err := w.Kratos.SignIn(t.Context(), with.signIn, password); err != nil {
					t.Error(err)
				}
				_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, Traits: again})
				refused(t, err, bridge.ErrIdentityAlreadyActive)
				w.Kratos.Deactivate(second.Invitation.IdentityID)
				_, err = w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, Traits: again})
				refused(t, err, bridge.ErrIdentityDeactivated)
			})
		}
	}
}

// TestAdoptByAnotherIdentifier: an identity created elsewhere is found by the
// identifiers in the traits, and judged as any other.
func TestAdoptByAnotherIdentifier(t *testing.T) {
	for schema, with := range otherIdentifiers {
		t.Run(schema, func(t *testing.T) {
			w := newWithSchema(t, schema)
			whole := traits(`{"email":%q,%q:%q}`, email, with.trait, with.value)
			id := createIdentity(t, w, schema, "inactive", whole)
			request := bridge.InviteRequest{Email: email, Traits: whole}
			// Without the identifier, the identity cannot be found.
			if text := conflict(t, w, bridge.InviteRequest{Email: email}, id); !strings.Contains(text, "cannot be found") || !strings.Contains(text, "identity_id") {
				t.Error(text)
			}
			differs := request
			differs.Traits = traits(`{%q:%q,"more":1}`, with.trait, with.value)
			if text := conflict(t, w, differs, id); !strings.Contains(text, "different traits") || !strings.Contains(text, "identity_id") {
				t.Error(text)
			}
			offer := invite(t, w, request)
			if offer.Invitation.IdentityID != id || offer.Invitation.Origin != bridge.OriginAdopted {
				t.Errorf("invited %+v", offer.Invitation)
			}
			useAndDeactivate(t, w, id)
			if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
				t.Fatal(err)
			}
			_, err := w.Service.Invite(t.Context(), request)
			refused(t, err, bridge.ErrIdentityDeactivated)
			w.Kratos.ActivateByHand(id, "theirs-Before-1")
			_, err = w.Service.Invite(t.Context(), request)
			refused(t, err, bridge.ErrIdentityAlreadyActive)
		})
	}
}

// TestTraitWithBlanks: Kratos keeps an imported address with the blanks around
// it and sends email to it, so it is the invitee's.
func TestTraitWithBlanks(t *testing.T) {
	for _, blank := range []string{" ", "\t", "\u00a0"} {
		w := newWithSchema(t, "carrier")
		id := createIdentity(t, w, "carrier", "inactive", traits(`{"email":%q}`, blank+email))
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		if offer.Invitation.IdentityID != id || offer.Invitation.Origin != bridge.OriginAdopted {
			t.Errorf("%q: invited %+v", blank, offer.Invitation)
		}
		accept(t, w, offer, password)
		if err := w.Kratos.SignIn(t.Context(), email, password); err != nil {
			t.Error(err)
		}
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
		refused(t, err, bridge.ErrIdentityAlreadyActive)
	}
	w := newWithSchema(t, "carrier")
	createIdentity(t, w, "carrier", "active", traits(`{"email":"\u017fam@example.com"}`)) // a long s
	if offer := invite(t, w, bridge.InviteRequest{Email: "sam@example.com"}); offer.Invitation.Origin != bridge.OriginCreated {
		t.Errorf("invited %+v", offer.Invitation)
	}
}

// TestIdentifierWithoutAddress: an identity with the requested user name, and
// another address or none, is not touched. The error names the trait that is
// taken.
func TestIdentifierWithoutAddress(t *testing.T) {
	for schema, with := range otherIdentifiers {
		for name, address := range map[string]string{"another address": `,"email":"other@example.com"`, "no address": ""} {
			t.Run(schema+", "+name, func(t *testing.T) {
				w := newWithSchema(t, schema)
				id := createIdentity(t, w, schema, "inactive", traits(`{%q:%q%s}`, with.trait, with.value, address))
				text := conflict(t, w, bridge.InviteRequest{Email: email, Traits: traits(`{%q:%q}`, with.trait, with.value), Reactivate: true, KeepAddresses: true}, id)
				if !strings.HasPrefix(text, "traits."+with.trait+" belongs to another identity") || strings.Contains(text, "other@example.com") {
					t.Error(text)
				}
			})
		}
	}
	t.Run("and the address belongs to a third identity", func(t *testing.T) {
		w := newWithSchema(t, "named")
		one := createIdentity(t, w, "named", "inactive", traits(`{"username":"dee","email":"other@example.com"}`))
		two := createIdentity(t, w, "named", "inactive", traits(`{"username":"kim","email":%q}`, email))
		if text := conflict(t, w, bridge.InviteRequest{Email: email, Traits: traits(`{"username":"dee"}`)}, one, two); !strings.HasPrefix(text, "traits.username belongs") {
			t.Error(text)
		}
	})
}

// TestFormerInvitationIsNotProof: the identity of a former invitation is no
// longer the invitee's once its address has changed.
func TestFormerInvitationIsNotProof(t *testing.T) {
	w := newWithSchema(t, "named")
	first := invite(t, w, bridge.InviteRequest{Email: email, Traits: traits(`{"username":"dee"}`)})
	if _, err := w.Service.Revoke(t.Context(), first.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	id := first.Invitation.IdentityID
	for _, now := range []string{`{"username":"dee","email":"other@example.com"}`, `{"username":"dee"}`} {
		if err := w.Kratos.Replace(t.Context(), id, `{"schema_id":"named","state":"inactive","traits":`+now+`}`); err != nil {
			t.Fatal(err)
		}
		holder := createIdentity(t, w, "named", "inactive", traits(`{"username":"kim","email":%q}`, email))
		for _, given := range []json.RawMessage{nil, traits(`{"username":"lee"}`)} {
			if text := conflict(t, w, bridge.InviteRequest{Email: email, Traits: given}, id, holder); !strings.Contains(text, "cannot be found") {
				t.Error(text)
			}
		}
		w.Kratos.Remove(holder)
	}
	w.Kratos.Remove(id)
	if offer := invite(t, w, bridge.InviteRequest{Email: email, Traits: traits(`{"username":"dee"}`)}); offer.Invitation.Origin != bridge.OriginCreated {
		t.Errorf("%+v", offer.Invitation)
	}
}

// TestInviteWithoutRequiredTraits: required traits may be missing if the
// identity exists. Kratos' error about them counts only if it does not.
func TestInviteWithoutRequiredTraits(t *testing.T) {
	w := newWithSchema(t, "staff")
	request := bridge.InviteRequest{Email: email}
	invited := func(want *bridge.Error, word string) {
		t.Helper()
		_, err := w.Service.Invite(t.Context(), request)
		if e := refusal(t, err, want); !strings.Contains(e.Reason, word) {
			t.Errorf("reason: %s", e.Reason)
		}
	}
	invited(bridge.ErrTraitsInvalid, "department")
	id := createIdentity(t, w, "staff", "inactive", traits(`{"email":%q,"department":"7"}`, email))
	request.Traits = traits(`{"department":7}`)
	invited(bridge.ErrIdentityConflict, "identity_id")
	request.Traits = nil
	restore := w.Kratos.Inject(kratostest.Fault{Method: http.MethodGet, Route: kratostest.RouteIdentities, Do: kratostest.CutBefore})
	invited(bridge.ErrKratosUnavailable, "")
	restore()
	offer := invite(t, w, request)
	if offer.Invitation.IdentityID != id || offer.Invitation.Origin != bridge.OriginAdopted || !offer.Created {
		t.Errorf("invited %+v", offer.Invitation)
	}
	accept(t, w, offer, password)
	invited(bridge.ErrIdentityAlreadyActive, "")
	w.Kratos.Deactivate(id)
	invited(bridge.ErrIdentityDeactivated, "")
	w.Kratos.Remove(id)
	invited(bridge.ErrTraitsInvalid, "department")
	if w.Kratos.Len() != 0 {
		t.Errorf("%d identities", w.Kratos.Len())
	}
}

// TestPhoneNumbersAreCompared: phone numbers are compared by their digits,
// because some releases of Kratos rewrite them. Otherwise repeating a request
// would be a conflict.
func TestPhoneNumbersAreCompared(t *testing.T) {
	for given, same := range map[string]bool{
		`"+49 1512 3456789"`: true, `"+49 (1512) 345-67.89"`: true, `"+4915123456788"`: false, `"4915123456789"`: false, `4915123456789`: false, `["+4915123456789"]`: false, `"+"`: false,
	} {
		w := newWithSchema(t, "flat")
		identity := createIdentity(t, w, "flat", "inactive", traits(`{"email":%q,"phones":[{"n":"+4915123456789"}]}`, email))
		request := bridge.InviteRequest{Email: email, Traits: traits(`{"phones":[{"n":%s}]}`, given)}
		for range 2 { // adopted first, then pending
			if offer, err := w.Service.Invite(t.Context(), request); (err == nil) != same || same && offer.Invitation.IdentityID != identity {
				t.Errorf("%s: %v", given, err)
			}
		}
	}
}
