package bridge_test

import (
	"errors"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// TestTrust_codeOfFormerInvitee: the recovery code of an acceptance does not open the
// account once it was handed over to someone else, even if Kratos' own codes end
// sooner.
func TestTrust_codeOfFormerInvitee(t *testing.T) {
	t.Parallel()
	l := newLive(t, kratostest.StartEveryMethod(t, kratostest.Options{}), func(c *bridge.Config) {
		c.AcceptWith = []bridge.AcceptMethod{bridge.AcceptKratos}
		c.CodeLifespan = 4 * time.Second // by Kratos' own clock
	})
	email := freshEmail()
	accept := func(offer bridge.IssuedInvitation) bridge.Acceptance {
		return must[bridge.Acceptance](t)(l.Service.AcceptWith(t.Context(), offer.Token.Reveal(), bridge.AcceptParams{Method: bridge.AcceptKratos, Native: true}))
	}
	former := accept(l.invite(t, bridge.InviteRequest{Email: email}))
	noError(t, l.SetState(t.Context(), former.Invitation.IdentityID, "inactive"))
	offer := l.invite(t, bridge.InviteRequest{Email: email, Reactivate: true})
	for {
		_, err := l.Service.AcceptWith(t.Context(), offer.Token.Reveal(), bridge.AcceptParams{Method: bridge.AcceptKratos, Native: true})
		var early *bridge.Error
		if !errors.Is(err, bridge.ErrAcceptTooEarly) || !errors.As(err, &early) {
			noError(t, err)
			break
		}
		time.Sleep(early.RetryAfter)
	}
	if session, err := l.RecoveryOf(*former.Recovery).Use(t.Context()); err == nil && session != "" {
		t.Error("the code of the former invitee signs in to the account of the new one")
	}
}
