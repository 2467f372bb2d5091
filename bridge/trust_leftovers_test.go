package bridge_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// use is a way to use an active account that has no password.
type use func(context.Context, *liveBridge, bridge.Invitation) error

func byLoginCode(ctx context.Context, l *liveBridge, inv bridge.Invitation) error {
	code, err := l.MailLogin(ctx, inv.Email)
	if err == nil {
		_, err = code.Use(ctx)
	}
	return err
}

func byRecovery(ctx context.Context, l *liveBridge, inv bridge.Invitation) error {
	code, err := l.AdminRecoveryCode(ctx, inv.IdentityID)
	if err == nil {
		_, err = code.Use(ctx)
	}
	return err
}

func notUsed(context.Context, *liveBridge, bridge.Invitation) error { return nil }

// leftOver: the identity of an invitation was activated by an administrator,
// used, and deactivated before the invitation expired.
func leftOver(t *testing.T, l *liveBridge, use use) {
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	l.activateBriefly(t, offer.Invitation, use)
	l.Clock.Advance(25 * time.Hour)
	l.passRetention(t)
	l.checkAccount(t, account{id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "inactive"})
}

// activateBriefly has an administrator activate an identity and deactivate it
// again.
func (l *liveBridge) activateBriefly(t *testing.T, inv bridge.Invitation, use use) {
	t.Helper()
	noError(t, l.SetState(t.Context(), inv.IdentityID, "active"))
	noError(t, use(t.Context(), l, inv))
	noError(t, l.SetState(t.Context(), inv.IdentityID, "inactive"))
}

// passRetention lets an invitation that has ended go through its retention
// period and purge.
func (l *liveBridge) passRetention(t *testing.T) {
	t.Helper()
	l.sweep(t)
	l.Clock.Advance(721 * time.Hour)
	l.sweep(t) // makes deletions due
	l.sweep(t)
	l.Clock.Advance(721 * time.Hour)
	l.sweep(t)
}

// TestTrust_leftovers: only identities that the bridge created and no one ever
// used are deleted.
func TestTrust_leftovers(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for _, unaccepted := range []bridge.Unaccepted{bridge.DeleteAtExpiry, bridge.DeleteAtPurge, bridge.KeepUnaccepted} {
		for _, end := range []string{"expired", "revoked"} {
			t.Run(fmt.Sprint(unaccepted, "/", end), func(t *testing.T) {
				l := newLive(t, kratos, func(c *bridge.Config) { c.Unaccepted = unaccepted })
				cases := map[string]use{"unused": nil, "active and inactive": notUsed, "signed in by code": byLoginCode, "recovered": byRecovery}
				offers := make(map[string]bridge.IssuedInvitation)
				for name, use := range cases {
					offers[name] = l.invite(t, bridge.InviteRequest{Email: freshEmail()})
					if use != nil {
						l.activateBriefly(t, offers[name].Invitation, use)
					}
				}
				adopted := freshEmail()
				_, err := l.Create(t.Context(), inactive(adopted))
				noError(t, err)
				offers["adopted"] = l.invite(t, bridge.InviteRequest{Email: adopted})
				if end == "revoked" {
					for _, o := range offers {
						_, err := l.Service.Revoke(t.Context(), o.Invitation.ID)
						noError(t, err)
					}
				}
				l.Clock.Advance(25 * time.Hour)
				l.passRetention(t)
				for name, o := range offers {
					a := account{id: o.Invitation.IdentityID, email: o.Invitation.Email, state: "inactive"}
					if name == "unused" && unaccepted != bridge.KeepUnaccepted {
						a.state = ""
					}
					t.Run(name, func(t *testing.T) { l.checkAccount(t, a) })
				}
			})
		}
	}
	t.Run("orphaned", func(t *testing.T) {
		testOrphaned(t, kratos)
	})
}

// testOrphaned: of identities whose invitation is in no store, doctor deletes
// those that no one ever used.
func testOrphaned(t *testing.T, kratos *kratostest.Server) {
	for name, use := range map[string]use{"unused": nil, "active and inactive": notUsed, "signed in by code": byLoginCode, "recovered": byRecovery} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, kratos)
			inv := l.invite(t, bridge.InviteRequest{Email: freshEmail()}).Invitation
			if use != nil {
				l.activateBriefly(t, inv, use)
			}
			deleted, err := bridge.DeleteOrphan(t.Context(), l.identities, inv.IdentityID, inv.ID, inv.Email, time.Time{})
			noError(t, err)
			a := account{id: inv.IdentityID, email: inv.Email, state: "inactive"}
			if use == nil {
				a.state = ""
			}
			if deleted != (use == nil) {
				t.Errorf("deleted: %t", deleted)
			}
			l.checkAccount(t, a)
		})
	}
}
