package bridge_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// userNameSchema is a schema in which users sign in with a user name, and the
// address is for verification and recovery.
const userNameSchema = `{"type":"object","properties":{"traits":{"type":"object","additionalProperties":false,"properties":{
	"username":{"type":"string","ory.sh/kratos":{"credentials":{"password":{"identifier":true},"webauthn":{"identifier":true},"passkey":{"display_name":true}}}},
	"email":{"type":"string","format":"email","ory.sh/kratos":{"verification":{"via":"email"},"recovery":{"via":"email"}}},
	"second_email":{"type":"string","format":"email","ory.sh/kratos":{"recovery":{"via":"email"}}}}}}}`

func withUserNameSchema(c *bridge.Config) { c.SchemaID = "signed" }

// signsInWith returns what the user of an address enters beside the password.
func (l *liveBridge) signsInWith(email string) string {
	if l.config.SchemaID == "signed" {
		return "u-" + email[:8]
	}
	return email
}

// traits returns the traits of the user of an address, and of a second one, if
// any.
func (l *liveBridge) traits(email, second string) json.RawMessage {
	all := map[string]string{"email": email}
	if l.config.SchemaID == "signed" {
		all["username"] = l.signsInWith(email)
	}
	if second != "" {
		all["second_email"] = second
	}
	text, _ := json.Marshal(all) // cannot fail for strings
	return text
}

// TestTrust_found: the table of TestTrust_existing, for identities found by the
// identifier that users sign in with.
func TestTrust_found(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{Schemas: map[string]string{"signed": userNameSchema}})
	for _, e := range existingCases() {
		for _, reactivate := range []bool{false, true} {
			want, origin := e.plain, e.plainOrigin
			if reactivate {
				want, origin = e.reactivate, e.reactivateOrigin
			}
			t.Run(fmt.Sprint(e.name, "/reactivate ", reactivate), func(t *testing.T) {
				l := newLive(t, kratos, withUserNameSchema)
				address := freshEmail()
				id := e.make(t, l, address)
				r := bridge.InviteRequest{Email: address, Reactivate: reactivate, KeepAddresses: e.keepAddresses, Traits: l.traits(address, "")}
				if e.keepAddresses {
					r.Traits = l.traits(address, second(address))
				}
				if want == nil {
					l.inviteAndAccept(t, r, id, origin)
					return
				}
				before := must[json.RawMessage](t)(l.Read(t.Context(), id))
				_, err := l.Service.Invite(t.Context(), r)
				refused(t, err, want)
				if after := must[json.RawMessage](t)(l.Read(t.Context(), id)); string(after) != string(before) {
					t.Errorf("the refusal changed the identity:\n%s\n%s", before, after)
				}
			})
		}
	}
}

// TestTrust_found_before: a former invitation of an identity proves nothing
// about what happened to it since.
func TestTrust_found_before(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{Schemas: map[string]string{"signed": userNameSchema}})
	for name, since := range map[string]struct {
		happens func(*testing.T, *liveBridge, uuid.UUID, string)
		want    *bridge.Error
	}{
		"nothing":    {func(*testing.T, *liveBridge, uuid.UUID, string) {}, nil},
		"it is used": {func(t *testing.T, l *liveBridge, id uuid.UUID, _ string) { l.use(t, id) }, bridge.ErrIdentityDeactivated},
		"it is activated": {func(t *testing.T, l *liveBridge, id uuid.UUID, _ string) {
			noError(t, l.Activate(t.Context(), id, formerPassword))
		}, bridge.ErrIdentityAlreadyActive},
		"a passkey is set": {func(t *testing.T, l *liveBridge, id uuid.UUID, _ string) {
			l.setCredential(t, id, "passkey", passkey)
		}, bridge.ErrIdentityConflict},
		"a security key is set": {func(t *testing.T, l *liveBridge, id uuid.UUID, _ string) {
			l.setCredential(t, id, "webauthn", secondFactorWA)
		}, bridge.ErrIdentityHasCredentials},
		"it has another address too": {func(t *testing.T, l *liveBridge, id uuid.UUID, email string) {
			must[kratostest.Shown](t)(l.Patch(t.Context(), id, fmt.Sprintf(`[{"op":"add","path":"/traits/second_email","value":%q}]`, second(email))))
		}, bridge.ErrIdentityConflict},
		"it has another address": {func(t *testing.T, l *liveBridge, id uuid.UUID, email string) {
			must[kratostest.Shown](t)(l.Patch(t.Context(), id, fmt.Sprintf(`[{"op":"replace","path":"/traits/email","value":%q}]`, second(email))))
			must[uuid.UUID](t)(l.Create(t.Context(), fmt.Sprintf(`{"schema_id":"signed","traits":{"username":"other %s","email":%q}}`, email, email)))
		}, bridge.ErrIdentityConflict},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, kratos, withUserNameSchema)
			address := freshEmail()
			id := imported("")(t, l, address)
			first := l.invite(t, bridge.InviteRequest{IdentityID: id})
			if _, err := l.Service.Revoke(t.Context(), first.Invitation.ID); err != nil {
				t.Fatal(err)
			}
			since.happens(t, l, id, address)
			r := bridge.InviteRequest{Email: address}
			if since.want == nil {
				l.inviteAndAccept(t, r, id, bridge.OriginAdopted)
				return
			}
			_, err := l.Service.Invite(t.Context(), r)
			refused(t, err, since.want)
			if _, err := l.Service.Preview(t.Context(), first.Token.Reveal()); err == nil {
				t.Error("the old token opens it")
			}
		})
	}
}
