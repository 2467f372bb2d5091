package bridge_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// use is how somebody uses an active account that has no password.
type use func(context.Context, *live, bridge.Invitation) error

func byLoginCode(ctx context.Context, l *live, inv bridge.Invitation) error {
	code, err := l.MailLogin(ctx, inv.Email)
	if err == nil {
		_, err = code.Use(ctx)
	}
	return err
}

func byRecovery(ctx context.Context, l *live, inv bridge.Invitation) error {
	code, err := l.AdminRecoveryCode(ctx, inv.IdentityID)
	if err == nil {
		_, err = code.Use(ctx)
	}
	return err
}

func byNobody(context.Context, *live, bridge.Invitation) error { return nil }

// leftOver: the identity of an invitation was activated by an administrator,
// used, and deactivated, before the invitation ran out.
func leftOver(t *testing.T, l *live, use use) {
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	l.lend(t, offer.Invitation, use)
	l.Clock.Advance(25 * time.Hour)
	l.runOut(t)
	l.notBroken(t, account{id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "inactive"})
}

// lend has an administrator activate an identity and deactivate it again.
func (l *live) lend(t *testing.T, inv bridge.Invitation, use use) {
	t.Helper()
	do(t, l.SetState(t.Context(), inv.IdentityID, "active"))
	do(t, use(t.Context(), l, inv))
	do(t, l.SetState(t.Context(), inv.IdentityID, "inactive"))
}

// runOut lets all pass that an invitation goes through after it ended.
func (l *live) runOut(t *testing.T) {
	t.Helper()
	l.sweep(t)
	l.Clock.Advance(721 * time.Hour)
	l.sweep(t) // makes deletions due
	l.sweep(t)
	l.Clock.Advance(721 * time.Hour)
	l.sweep(t)
}

// TestTrust_leftovers: deleted is only what the bridge made, and nobody ever
// used.
func TestTrust_leftovers(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for _, unaccepted := range []bridge.Unaccepted{bridge.DeleteAtExpiry, bridge.DeleteAtPurge, bridge.KeepUnaccepted} {
		for _, end := range []string{"expired", "revoked"} {
			t.Run(fmt.Sprint(unaccepted, "/", end), func(t *testing.T) {
				l := newLive(t, kratos, func(c *bridge.Config) { c.Unaccepted = unaccepted })
				cases := map[string]use{"unused": nil, "active and inactive": byNobody, "signed in by code": byLoginCode, "recovered": byRecovery}
				offers := make(map[string]bridge.Offer)
				for name, use := range cases {
					offers[name] = l.invite(t, bridge.InviteRequest{Email: freshEmail()})
					if use != nil {
						l.lend(t, offers[name].Invitation, use)
					}
				}
				adopted := freshEmail()
				_, err := l.Create(t.Context(), inactive(adopted))
				do(t, err)
				offers["adopted"] = l.invite(t, bridge.InviteRequest{Email: adopted})
				if end == "revoked" {
					for _, o := range offers {
						_, err := l.Service.Revoke(t.Context(), o.Invitation.ID)
						do(t, err)
					}
				}
				l.Clock.Advance(25 * time.Hour)
				l.runOut(t)
				for name, o := range offers {
					a := account{id: o.Invitation.IdentityID, email: o.Invitation.Email, state: "inactive"}
					if name == "unused" && unaccepted != bridge.KeepUnaccepted {
						a.state = ""
					}
					t.Run(name, func(t *testing.T) { l.notBroken(t, a) })
				}
			})
		}
	}
	t.Run("forsaken", func(t *testing.T) {
		forsaken(t, kratos)
	})
}

// forsaken: of identities whose invitation no store knows, doctor deletes those
// that nobody ever used.
func forsaken(t *testing.T, kratos *kratostest.Server) {
	for name, use := range map[string]use{"unused": nil, "active and inactive": byNobody, "signed in by code": byLoginCode, "recovered": byRecovery} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, kratos)
			inv := l.invite(t, bridge.InviteRequest{Email: freshEmail()}).Invitation
			if use != nil {
				l.lend(t, inv, use)
			}
			deleted, err := bridge.DeleteForsaken(t.Context(), l.identities, inv.IdentityID, inv.ID, inv.Email, time.Time{})
			do(t, err)
			a := account{id: inv.IdentityID, email: inv.Email, state: "inactive"}
			if use == nil {
				a.state = ""
			}
			if deleted != (use == nil) {
				t.Errorf("deleted: %t", deleted)
			}
			l.notBroken(t, a)
		})
	}
}
