package bridge_test

import (
	"net/http"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// kratosFault is what Kratos may do to a write, and what the caller is told.
type kratosFault struct {
	name             string
	fault            kratostest.Fault
	accepted, invite *bridge.Error
	unsure           bool // it may have had its effect, and may still have it
	again            bool // a password that was surely not set is sent again
}

func kratosFaults() []kratosFault {
	const forever = time.Minute // to a budget of half a second
	rejected, away := bridge.ErrKratosRejected, bridge.ErrKratosAway
	return []kratosFault{
		{name: "said 400", fault: bridgetest.Answer(400), accepted: rejected, invite: bridge.ErrTraitsInvalid},
		{name: "said 401", fault: bridgetest.Answer(401), accepted: rejected, invite: rejected},
		{name: "said 404", fault: bridgetest.Answer(404), accepted: rejected, invite: rejected},
		{name: "said 409", fault: bridgetest.Answer(409), accepted: away, invite: bridge.ErrIdentityConflict, again: true},
		{name: "said 429", fault: bridgetest.Answer(429), accepted: away, invite: away},
		{name: "said 500", fault: bridgetest.Answer(500), accepted: away, invite: away, unsure: true},
		{name: "said 502", fault: bridgetest.Answer(502), accepted: away, invite: away, unsure: true},
		{name: "said 503", fault: bridgetest.Answer(503), accepted: away, invite: away, unsure: true},
		{name: "said 500 after", fault: bridgetest.FailAfter, accepted: away, invite: away, unsure: true},
		{name: "cut the connection before", fault: bridgetest.CutBefore, accepted: away, invite: away, unsure: true},
		{name: "cut the connection after", fault: bridgetest.CutAfter, accepted: away, invite: away, unsure: true},
		{name: "cut its answer", fault: bridgetest.CutBody, accepted: away, invite: away, unsure: true},
		{name: "was slow before", fault: kratostest.Fault{Delay: forever}, accepted: away, invite: away, unsure: true},
		{name: "was slow after", fault: kratostest.Fault{Stall: forever}, accepted: away, invite: away, unsure: true},
	}
}

func (f kratosFault) world(t *testing.T) *bridgetest.World {
	return bridgetest.New(t, func(c *bridge.Config) {
		if f.fault.Delay+f.fault.Stall > 0 {
			c.IdentityBudget = 500 * time.Millisecond
		}
	})
}

// TestAcceptWhenKratosFails: whatever Kratos does, the caller learns whether to
// try again, what may have had an effect is not sent again, and the token stays
// good.
func TestAcceptWhenKratosFails(t *testing.T) {
	for _, c := range kratosFaults() {
		t.Run(c.name, func(t *testing.T) {
			w := c.world(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			mend := w.Kratos.OnPut(c.fault)
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			e := refusal(t, err, c.accepted)
			if (e.Kind == bridge.KindUnavailable) != (e.RetryAfter > 0) {
				t.Errorf("advice to retry after %s", e.RetryAfter)
			}
			if n := w.Kratos.Puts(); n != 1 && !c.again {
				t.Errorf("Kratos was asked %d times", n)
			}
			mend()
			if c.unsure {
				_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
				refused(t, err, bridge.ErrAcceptInProgress)
				w.Clock.Advance(3 * time.Second)
			}
			if w.Kratos.Active(offer.Invitation.IdentityID) { // the answer was lost, and nothing else
				_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), "another-Good-1")
				refused(t, err, bridge.ErrAccepted)
				if w.Kratos.SignIn(t.Context(), email, password) != nil {
					t.Error("the password was replaced")
				}
			} else {
				accept(t, w, offer, "another-Good-1")
			}
			if n := w.Kratos.Len(); n != 1 {
				t.Errorf("%d identities", n)
			}
		})
	}
}

// TestInviteWhenKratosFails: no identity is asked for twice in one invitation,
// and inviting again makes no second one, whether the first was made or not.
func TestInviteWhenKratosFails(t *testing.T) {
	for _, c := range kratosFaults() {
		t.Run(c.name, func(t *testing.T) {
			w := c.world(t)
			c.fault.Method, c.fault.Route = http.MethodPost, kratostest.RouteIdentities
			mend := w.Kratos.Inject(c.fault)
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
			refused(t, err, c.invite)
			if n := w.Kratos.Count(http.MethodPost, kratostest.RouteIdentities).Calls; n != 1 {
				t.Errorf("Kratos was asked %d times", n)
			}
			mend()
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			accept(t, w, offer, password)
			if n := w.Kratos.Len(); n != 1 {
				t.Errorf("%d identities", n)
			}
		})
	}
}
