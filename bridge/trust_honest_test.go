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
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestTrust_honest: ordinary events while an invitation is pending do not keep
// the invitee out.
func TestTrust_honest(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for name, flow := range map[string]func(*testing.T, *liveBridge, string) bridge.IssuedInvitation{
		"nothing": func(t *testing.T, l *liveBridge, email string) bridge.IssuedInvitation {
			return l.invite(t, bridge.InviteRequest{Email: email})
		},
		"never used": func(t *testing.T, l *liveBridge, email string) bridge.IssuedInvitation {
			must[uuid.UUID](t)(l.Create(t.Context(), inactive(email)))
			return l.invite(t, bridge.InviteRequest{Email: email})
		},
		"never used, migrated with a verified address": func(t *testing.T, l *liveBridge, email string) bridge.IssuedInvitation {
			must[uuid.UUID](t)(l.Create(t.Context(), fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"email":%q},
				"verifiable_addresses":[{"value":%q,"via":"email","verified":true,"status":"completed"}]}`, email, email)))
			return l.invite(t, bridge.InviteRequest{Email: email})
		},
		"expired, and invited again":           inviteAgain(25*time.Hour, nil),
		"expired and swept, and invited again": inviteAgain(25*time.Hour, (*liveBridge).sweep),
		"revoked, and invited again": inviteAgain(0, func(l *liveBridge, t *testing.T) bridge.SweepResult {
			page, _, err := l.Service.List(t.Context(), bridge.InvitationQuery{Limit: 1})
			noError(t, err)
			_, err = l.Service.Revoke(t.Context(), page[0].ID)
			noError(t, err)
			return bridge.SweepResult{}
		}),
		"the invitee proves the address to Kratos": afterInvite(func(t *testing.T, l *liveBridge, inv bridge.Invitation) {
			code := must[*kratostest.Mailed](t)(l.MailVerification(t.Context(), inv.Email))
			must[string](t)(code.Use(t.Context()))
		}),
		"an administrator corrects a trait": patched(`[{"op":"add","path":"/traits/username","value":%q}]`),
		"a sync writes public metadata":     patched(`[{"op":"add","path":"/metadata_public","value":{"team":%q}}]`),
		"a sync writes admin metadata":      patched(`[{"op":"add","path":"/metadata_admin/plan","value":%q}]`),
		"a sync writes it back unchanged": afterInvite(func(t *testing.T, l *liveBridge, inv bridge.Invitation) {
			noError(t, l.Deactivate(t.Context(), inv.IdentityID)) // a PUT of the same state
		}),
		"a sync sets it inactive again": afterInvite(func(t *testing.T, l *liveBridge, inv bridge.Invitation) {
			noError(t, l.SetState(t.Context(), inv.IdentityID, "inactive"))
		}),
		"a code is tried while it is inactive": afterInvite(func(t *testing.T, l *liveBridge, inv bridge.Invitation) {
			if err := byLoginCode(t.Context(), l, inv); err == nil {
				t.Error("signed in to an inactive identity")
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			eachMethod(t, func(t *testing.T, with func(*bridge.Config)) {
				l := newLive(t, kratos, with)
				l.acceptAndCheck(t, flow(t, l, freshEmail()))
			})
		})
	}
}

// acceptAndCheck accepts and checks the account.
func (l *liveBridge) acceptAndCheck(t *testing.T, offer bridge.IssuedInvitation) {
	t.Helper()
	l.accept(t, offer, inviteePassword)
	l.checkAccount(t, account{
		id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "active", holder: inviteePassword,
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
}

func inviteAgain(after time.Duration, then func(*liveBridge, *testing.T) bridge.SweepResult) func(*testing.T, *liveBridge, string) bridge.IssuedInvitation {
	return func(t *testing.T, l *liveBridge, email string) bridge.IssuedInvitation {
		first := l.invite(t, bridge.InviteRequest{Email: email})
		l.Clock.Advance(after)
		if then != nil {
			then(l, t)
		}
		second := l.invite(t, bridge.InviteRequest{Email: email})
		if second.Invitation.IdentityID != first.Invitation.IdentityID || second.Invitation.ID == first.Invitation.ID {
			t.Error("another identity, or the same invitation")
		}
		if second.Invitation.Origin != bridge.OriginCreated {
			t.Errorf("its origin is %s", second.Invitation.Origin)
		}
		return second
	}
}

// afterInvite makes a change to the identity of a pending invitation.
func afterInvite(what func(*testing.T, *liveBridge, bridge.Invitation)) func(*testing.T, *liveBridge, string) bridge.IssuedInvitation {
	return func(t *testing.T, l *liveBridge, email string) bridge.IssuedInvitation {
		offer := l.invite(t, bridge.InviteRequest{Email: email})
		what(t, l, offer.Invitation)
		return offer
	}
}

// patched patches the identity with a value that is unique.
func patched(patch string) func(*testing.T, *liveBridge, string) bridge.IssuedInvitation {
	return afterInvite(func(t *testing.T, l *liveBridge, inv bridge.Invitation) {
		must[kratostest.Shown](t)(l.Patch(t.Context(), inv.IdentityID, fmt.Sprintf(patch, "x"+inv.IdentityID.String())))
	})
}

// TestTrust_killedAfterVerify: the address was marked as verified, and the
// process ended before the next write.
func TestTrust_killedAfterVerify(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for name, restart := range map[string]bool{"the store failed": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, kratos)
			offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
			emailed := l.emailedToken(t)
			l.Store.FailUpdates(failFrom(3)) // the claim, the verification, the password
			_, err := l.tryAccept(t, emailed, "lost-Horse-6-battery")
			refused(t, err, bridge.ErrStoreUnavailable)
			l.Store.FailUpdates(nil)
			if !l.verified(t, offer.Invitation.IdentityID) {
				t.Error("the address is not verified: the process ended too early")
			}
			if restart {
				l.restart(t, l.path)
				l.Clock.Advance(bridgetest.Lease)
			}
			l.Clock.Advance(3 * time.Second)
			l.checkAccount(t, account{
				id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "inactive",
				strangers: []string{"lost-Horse-6-battery"}, token: emailed,
			})
			_, err = l.tryAccept(t, emailed, inviteePassword)
			noError(t, err)
			l.checkAccount(t, account{
				id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "active", holder: inviteePassword,
				strangers: []string{"lost-Horse-6-battery"}, token: emailed, ended: bridge.ErrAccepted,
			})
		})
	}
}

func (l *liveBridge) verified(t *testing.T, id uuid.UUID) bool {
	t.Helper()
	var identity struct {
		Addresses []struct{ Verified bool } `json:"verifiable_addresses"`
	}
	noError(t, json.Unmarshal(must[json.RawMessage](t)(l.Read(t.Context(), id)), &identity))
	return len(identity.Addresses) == 1 && identity.Addresses[0].Verified
}

// TestTrust_schemaGains: while an invitation is pending, Kratos is restarted
// with a schema that permits more ways to sign in than before.
func TestTrust_schemaGains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := kratostest.Options{Dir: filepath.Join(dir, "kratos")}
	o.Config = schemas(t, dir, `{"password":{"identifier":true}}`)
	kratos := kratostest.StartEveryMethod(t, o)
	l := newLive(t, kratos, func(c *bridge.Config) { c.SchemaID = "growing" })
	adopted := freshEmail()
	must[uuid.UUID](t)(l.Create(t.Context(), fmt.Sprintf(`{"schema_id":"growing","state":"inactive","traits":{"email":%q}}`, adopted)))
	offers := []bridge.IssuedInvitation{
		l.invite(t, bridge.InviteRequest{Email: freshEmail()}),
		l.invite(t, bridge.InviteRequest{Email: freshEmail()}),
		l.invite(t, bridge.InviteRequest{Email: adopted}),
	}
	before := must[kratostest.Shown](t)(l.Show(t.Context(), offers[0].Invitation.IdentityID))
	noError(t, kratos.Stop())
	o.Config = schemas(t, dir, `{"password":{"identifier":true},"code":{"identifier":true,"via":"email"},"webauthn":{"identifier":true},"passkey":{"display_name":true},"totp":{"account_name":true}}`)
	again := newLive(t, kratostest.StartEveryMethod(t, o))
	l.Server, l.identities = again.Server, again.identities
	l.restart(t, l.path)
	for i, offer := range offers {
		if i > 0 { // any write makes Kratos derive the credentials again
			patch := fmt.Sprintf(`[{"op":"add","path":"/metadata_public","value":{"n":%d}}]`, i)
			must[kratostest.Shown](t)(l.Patch(t.Context(), offer.Invitation.IdentityID, patch))
		}
	}
	after := must[kratostest.Shown](t)(l.Show(t.Context(), offers[1].Invitation.IdentityID))
	if len(after.Credentials) <= len(before.Credentials) {
		t.Errorf("the schema gained nothing: %d credentials, %d before", len(after.Credentials), len(before.Credentials))
	}
	for _, offer := range offers {
		l.acceptAndCheck(t, offer)
	}
}

// schemas returns a configuration with the schema "growing", which has these
// credentials for its email address.
func schemas(t *testing.T, dir, credentials string) string {
	t.Helper()
	path := filepath.Join(dir, "growing.schema.json")
	text := `{"$id":"https://invitebridge.invalid/growing","type":"object","properties":{"traits":{"type":"object","properties":{"email":{
		"type":"string","format":"email","ory.sh/kratos":{"credentials":` + credentials + `,"verification":{"via":"email"},"recovery":{"via":"email"}}}}}}}`
	noError(t, os.WriteFile(path, []byte(text), 0o600))
	return fmt.Sprintf(`{"identity":{"default_schema_id":"growing","schemas":[{"id":"growing","url":%q}]}}`, "file://"+filepath.ToSlash(path))
}
