package kratostest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

func activationOnly(invitation uuid.UUID, verifiedAt time.Time) bridge.WriteActiveOnly {
	return bridge.WriteActiveOnly{
		Mark:       bridge.Mark{InvitationID: invitation, AcceptedAt: acceptedAt, Method: bridge.AcceptKratos},
		VerifiedAt: verifiedAt,
	}
}

var activateOnlyTests = map[string]func(*testing.T, *contract){
	"sets state and mark": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		w := activationOnly(n.InvitationID, time.Time{})
		c.mustWrite(t, i.ID, w)
		c.wantUnverified(t, i.ID)
		after := c.get(t, i.ID)
		if !after.Active || len(after.Credentials) != 0 || after.Mark != w.Mark || after.Email != i.Email {
			t.Errorf("after it: %+v", after)
		}
		wantJSON(t, "metadata_admin", c.raw(t, i.ID)["metadata_admin"],
			fmt.Sprintf(`{"invitation":{"id":%q,"accepted_at":"2031-02-03T04:05:06.789012Z","method":"kratos"}}`, n.InvitationID))
	},
	"verifies the address in the same write": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		c.mustWrite(t, i.ID, activationOnly(n.InvitationID, acceptedAt))
		c.wantVerified(t, i.ID, acceptedAt)
		if !c.get(t, i.ID).Active {
			t.Error("it is not active")
		}
	},
	"keeps everything else": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		const public, admin = `{"plan":"gold","n":1.10}`, `{"note":["x"],"n":12345678901234567890}`
		traits := fmt.Sprintf(`{"email":%q,"name":{"first":"Ada"}}`, i.Email)
		err := c.admin.Replace(c.ctx, i.ID, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s,"metadata_public":%s,"metadata_admin":%s,"credentials":{"password":{"config":{"password":%q}}}}`,
			DefaultSchema, traits, public, admin, goodPassword))
		if err != nil {
			t.Fatal(err)
		}
		c.mustWrite(t, i.ID, activationOnly(n.InvitationID, acceptedAt))
		after := c.get(t, i.ID)
		wantJSON(t, "traits", after.Traits, traits)
		wantJSON(t, "metadata_public", after.MetadataPublic, public)
		wantJSON(t, "metadata_admin", after.MetadataAdmin, admin)
		c.wantSignIn(t, i.Email, goodPassword, nil)
	},
	"missing identity": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		if err := c.admin.Delete(c.ctx, i.ID); err != nil {
			t.Fatal(err)
		}
		wantError(t, errorOf(c.ids.Write(c.ctx, i, activationOnly(n.InvitationID, acceptedAt))), bridge.ErrIdentityNotFound)
	},
	"address that moved": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		i.EmailIndex = 7 // as of an earlier read
		wantOutcome(t, errorOf(c.ids.Write(c.ctx, i, activationOnly(n.InvitationID, acceptedAt))), bridge.OutcomeUnknown)
		c.wantUnverified(t, i.ID)
	},
	"metadata that cannot hold the mark": func(t *testing.T, c *contract) {
		id := c.createAsAdmin(t, `{"schema_id":%q,"state":"inactive","traits":{"email":%q},"metadata_admin":"text"}`, DefaultSchema, freshEmail())
		wantOutcome(t, c.write(t, id, activationOnly(uuid.New(), time.Time{})), bridge.OutcomeRejected, "metadata_admin")
		if c.get(t, id).Active {
			t.Error("it is active")
		}
	},
	"mark that proves nothing": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		wantOutcome(t, c.write(t, i.ID, bridge.WriteActiveOnly{Mark: bridge.Mark{InvitationID: n.InvitationID}}), bridge.OutcomeRejected)
		if c.get(t, i.ID).Active {
			t.Error("it is active")
		}
	},
}

var recoveryTests = map[string]func(*testing.T, *contract){
	"code signs in once": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		c.mustWrite(t, i.ID, activationOnly(n.InvitationID, acceptedAt))
		flow, err := c.ids.StartRecovery(c.ctx, bridge.RecoveryParams{IdentityID: i.ID, Lifespan: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(flow.ExpiresAt); flow.URL == "" || left <= 0 || left > time.Minute {
			t.Errorf("the flow %s with URL %q expires in %v, want at most a minute", flow.ID, flow.URL, left)
		}
		wrong := flow
		wrong.Code = bridge.NewCode("not it")
		_, err = c.admin.UseRecoveryCode(c.ctx, wrong)
		wantError(t, err, ErrWrongCode)
		id, err := c.admin.UseRecoveryCode(c.ctx, flow)
		if err != nil || id != i.ID {
			t.Errorf("the code signs in as %v, %v; want %v", id, err, i.ID)
		}
		_, err = c.admin.UseRecoveryCode(c.ctx, flow)
		wantError(t, err, ErrWrongCode)
	},
	"code of an inactive identity": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		flow, err := c.ids.StartRecovery(c.ctx, bridge.RecoveryParams{IdentityID: i.ID})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.admin.UseRecoveryCode(c.ctx, flow)
		wantError(t, err, ErrInactive)
	},
	"return URL that is not allowed": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		_, err := c.ids.StartRecovery(c.ctx, bridge.RecoveryParams{IdentityID: i.ID, ReturnTo: ForbiddenReturn})
		wantOutcome(t, err, bridge.OutcomeInvalid)
	},
	"missing identity": func(t *testing.T, c *contract) {
		_, err := c.ids.StartRecovery(c.ctx, bridge.RecoveryParams{IdentityID: uuid.New()})
		wantError(t, err, bridge.ErrIdentityNotFound)
	},
	"sign in": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		c.mustWrite(t, i.ID, activation(n.InvitationID, goodPassword))
		device := bridge.Device{UserAgent: "app/1.0", IP: "192.0.2.7"}
		session, err := c.ids.SignIn(c.ctx, []string{"unknown-" + i.Email, i.Email}, goodPassword, device)
		if err != nil || session.Reveal() == "" {
			t.Fatalf("session %v, error %v", session, err)
		}
		if has, err := c.ids.HasSessions(c.ctx, i.ID); !has || err != nil {
			t.Errorf("it has sessions: %v, %v", has, err)
		}
		_, err = c.ids.SignIn(c.ctx, []string{i.Email}, otherPassword, device)
		wantOutcome(t, err, bridge.OutcomeRejected)
	},
}
