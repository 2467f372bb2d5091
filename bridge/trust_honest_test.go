package bridge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// TestTrust_honest: what happens to honest people while they are invited, none
// of which keeps them out.
func TestTrust_honest(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for name, flow := range map[string]func(*testing.T, *live, string) bridge.Offer{
		"nothing": func(t *testing.T, l *live, email string) bridge.Offer {
			return l.invite(t, bridge.InviteRequest{Email: email})
		},
		"never used": func(t *testing.T, l *live, email string) bridge.Offer {
			must[uuid.UUID](t)(l.Create(t.Context(), inactive(email)))
			return l.invite(t, bridge.InviteRequest{Email: email})
		},
		"never used, migrated with a verified address": func(t *testing.T, l *live, email string) bridge.Offer {
			must[uuid.UUID](t)(l.Create(t.Context(), fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"email":%q},
				"verifiable_addresses":[{"value":%q,"via":"email","verified":true,"status":"completed"}]}`, email, email)))
			return l.invite(t, bridge.InviteRequest{Email: email})
		},
		"expired, and invited anew":           invitedAnew(25*time.Hour, nil),
		"expired and swept, and invited anew": invitedAnew(25*time.Hour, (*live).sweep),
		"revoked, and invited anew": invitedAnew(0, func(l *live, t *testing.T) bridge.Swept {
			page, _, err := l.Service.List(t.Context(), bridge.Query{Limit: 1})
			do(t, err)
			_, err = l.Service.Revoke(t.Context(), page[0].ID)
			do(t, err)
			return bridge.Swept{}
		}),
		"the invitee proves the address to Kratos": meanwhile(func(t *testing.T, l *live, inv bridge.Invitation) {
			code := must[*kratostest.Mailed](t)(l.MailVerification(t.Context(), inv.Email))
			must[string](t)(code.Use(t.Context()))
		}),
		"an administrator mends a trait": patched(`[{"op":"add","path":"/traits/username","value":%q}]`),
		"a sync writes public metadata":  patched(`[{"op":"add","path":"/metadata_public","value":{"team":%q}}]`),
		"a sync writes admin metadata":   patched(`[{"op":"add","path":"/metadata_admin/plan","value":%q}]`),
		"a sync puts it back whole": meanwhile(func(t *testing.T, l *live, inv bridge.Invitation) {
			do(t, l.Deactivate(t.Context(), inv.IdentityID)) // a PUT of the same state
		}),
		"a sync says again that it is inactive": meanwhile(func(t *testing.T, l *live, inv bridge.Invitation) {
			do(t, l.SetState(t.Context(), inv.IdentityID, "inactive"))
		}),
		"a code is tried while it is inactive": meanwhile(func(t *testing.T, l *live, inv bridge.Invitation) {
			if err := byLoginCode(t.Context(), l, inv); err == nil {
				t.Error("signed in to an inactive identity")
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, kratos)
			l.honest(t, flow(t, l, freshEmail()))
		})
	}
}

// honest has the invitee accept.
func (l *live) honest(t *testing.T, offer bridge.Offer) {
	t.Helper()
	l.accept(t, offer, invitees)
	l.notBroken(t, account{
		id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "active", holder: invitees,
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
}

func invitedAnew(after time.Duration, then func(*live, *testing.T) bridge.Swept) func(*testing.T, *live, string) bridge.Offer {
	return func(t *testing.T, l *live, email string) bridge.Offer {
		first := l.invite(t, bridge.InviteRequest{Email: email})
		l.Clock.Advance(after)
		if then != nil {
			then(l, t)
		}
		second := l.invite(t, bridge.InviteRequest{Email: email})
		if second.Invitation.IdentityID != first.Invitation.IdentityID || second.Invitation.ID == first.Invitation.ID {
			t.Error("it is another identity, or the same invitation")
		}
		if second.Invitation.Origin != bridge.OriginCreated {
			t.Errorf("its origin is %s", second.Invitation.Origin)
		}
		return second
	}
}

// meanwhile has something happen to the identity of a pending invitation.
func meanwhile(what func(*testing.T, *live, bridge.Invitation)) func(*testing.T, *live, string) bridge.Offer {
	return func(t *testing.T, l *live, email string) bridge.Offer {
		offer := l.invite(t, bridge.InviteRequest{Email: email})
		what(t, l, offer.Invitation)
		return offer
	}
}

// patched has somebody patch it with a value that is unique.
func patched(patch string) func(*testing.T, *live, string) bridge.Offer {
	return meanwhile(func(t *testing.T, l *live, inv bridge.Invitation) {
		must[kratostest.Shown](t)(l.Patch(t.Context(), inv.IdentityID, fmt.Sprintf(patch, "x"+inv.IdentityID.String())))
	})
}

// TestTrust_killedAfterVerify: the address was marked as verified, and the process
// ended before the next write.
func TestTrust_killedAfterVerify(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for name, restart := range map[string]bool{"the store failed": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, kratos)
			offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
			emailed := l.emailed(t)
			l.Store.FailUpdates(failFrom(3)) // the claim, the verification, the password
			_, err := l.Service.Accept(t.Context(), emailed, "lost-Horse-6-battery")
			refused(t, err, bridge.ErrStoreAway)
			l.Store.FailUpdates(nil)
			if !l.verified(t, offer.Invitation.IdentityID) {
				t.Error("the address is not verified: it was not killed where it was to be")
			}
			if restart {
				l.restart(t, l.path)
				l.Clock.Advance(time.Minute) // more than the lease
			}
			l.Clock.Advance(3 * time.Second)
			l.notBroken(t, account{
				id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "inactive",
				strangers: []string{"lost-Horse-6-battery"}, token: emailed,
			})
			_, err = l.Service.Accept(t.Context(), emailed, invitees)
			do(t, err)
			l.notBroken(t, account{
				id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "active", holder: invitees,
				strangers: []string{"lost-Horse-6-battery"}, token: emailed, ended: bridge.ErrAccepted,
			})
		})
	}
}

func (l *live) verified(t *testing.T, id uuid.UUID) bool {
	t.Helper()
	var identity struct {
		Addresses []struct{ Verified bool } `json:"verifiable_addresses"`
	}
	do(t, json.Unmarshal(must[json.RawMessage](t)(l.Read(t.Context(), id)), &identity))
	return len(identity.Addresses) == 1 && identity.Addresses[0].Verified
}

// TestTrust_schemaGains: while an invitation is pending, Kratos is restarted with
// a schema that permits more ways to sign in than before.
func TestTrust_schemaGains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := kratostest.Options{Dir: filepath.Join(dir, "kratos")}
	o.Config = schemas(t, dir, `{"password":{"identifier":true}}`)
	kratos := kratostest.StartEveryMethod(t, o)
	l := newLive(t, kratos, func(c *bridge.Config) { c.SchemaID = "growing" })
	adopted := freshEmail()
	must[uuid.UUID](t)(l.Create(t.Context(), fmt.Sprintf(`{"schema_id":"growing","state":"inactive","traits":{"email":%q}}`, adopted)))
	offers := []bridge.Offer{
		l.invite(t, bridge.InviteRequest{Email: freshEmail()}),
		l.invite(t, bridge.InviteRequest{Email: freshEmail()}),
		l.invite(t, bridge.InviteRequest{Email: adopted}),
	}
	before := must[kratostest.Shown](t)(l.Show(t.Context(), offers[0].Invitation.IdentityID))
	do(t, kratos.Stop())
	o.Config = schemas(t, dir, `{"password":{"identifier":true},"code":{"identifier":true,"via":"email"},"webauthn":{"identifier":true},"passkey":{"display_name":true},"totp":{"account_name":true}}`)
	again := newLive(t, kratostest.StartEveryMethod(t, o))
	l.Server, l.identities = again.Server, again.identities
	l.restart(t, l.path)
	for i, offer := range offers {
		if i > 0 { // any write has Kratos derive the credentials anew
			patch := fmt.Sprintf(`[{"op":"add","path":"/metadata_public","value":{"n":%d}}]`, i)
			must[kratostest.Shown](t)(l.Patch(t.Context(), offer.Invitation.IdentityID, patch))
		}
	}
	after := must[kratostest.Shown](t)(l.Show(t.Context(), offers[1].Invitation.IdentityID))
	if len(after.Credentials) <= len(before.Credentials) {
		t.Errorf("the schema gained nothing: %d credentials, %d before", len(after.Credentials), len(before.Credentials))
	}
	for _, offer := range offers {
		l.honest(t, offer)
	}
}

// schemas gives a configuration with the schema "growing", which has these
// credentials for its email address.
func schemas(t *testing.T, dir, credentials string) string {
	t.Helper()
	path := filepath.Join(dir, "growing.schema.json")
	text := `{"$id":"https://invitebridge.invalid/growing","type":"object","properties":{"traits":{"type":"object","properties":{"email":{
		"type":"string","format":"email","ory.sh/kratos":{"credentials":` + credentials + `,"verification":{"via":"email"},"recovery":{"via":"email"}}}}}}}`
	do(t, os.WriteFile(path, []byte(text), 0o600))
	return fmt.Sprintf(`{"identity":{"default_schema_id":"growing","schemas":[{"id":"growing","url":%q}]}}`, "file://"+filepath.ToSlash(path))
}
