package bridge_test

import (
	"net/http"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// kratosFault is a failure of Kratos during a write, and the errors that
// callers get.
type kratosFault struct {
	name             string
	fault            kratostest.Fault
	accepted, invite *bridge.Error
	outcomeUnknown   bool // it may have taken effect, or may still do so
	resent           bool // a write that certainly had no effect is sent again
}

func kratosFaults() []kratosFault {
	const forever = testenv.Limit // compared to a timeout of a few seconds
	rejected, unavailable := bridge.ErrKratosRejected, bridge.ErrKratosUnavailable
	return []kratosFault{
		{name: "status 400", fault: bridgetest.Answer(400), accepted: rejected, invite: bridge.ErrTraitsInvalid},
		{name: "status 401", fault: bridgetest.Answer(401), accepted: rejected, invite: rejected},
		{name: "status 404", fault: bridgetest.Answer(404), accepted: rejected, invite: rejected},
		{name: "status 409", fault: bridgetest.Answer(409), accepted: unavailable, invite: bridge.ErrIdentityConflict, resent: true},
		{name: "status 429", fault: bridgetest.Answer(429), accepted: unavailable, invite: unavailable},
		{name: "status 500", fault: bridgetest.Answer(500), accepted: unavailable, invite: unavailable, outcomeUnknown: true},
		{name: "status 502", fault: bridgetest.Answer(502), accepted: unavailable, invite: unavailable, outcomeUnknown: true},
		{name: "status 503", fault: bridgetest.Answer(503), accepted: unavailable, invite: unavailable, outcomeUnknown: true},
		{name: "status 500 after the write", fault: bridgetest.FailAfter, accepted: unavailable, invite: unavailable, outcomeUnknown: true},
		{name: "connection cut before the write", fault: bridgetest.CutBefore, accepted: unavailable, invite: unavailable, outcomeUnknown: true},
		{name: "connection cut after the write", fault: bridgetest.CutAfter, accepted: unavailable, invite: unavailable, outcomeUnknown: true},
		{name: "response cut", fault: bridgetest.CutBody, accepted: unavailable, invite: unavailable, outcomeUnknown: true},
		{name: "slow before the write", fault: kratostest.Fault{Delay: forever}, accepted: unavailable, invite: unavailable, outcomeUnknown: true},
		{name: "slow after the write", fault: kratostest.Fault{Stall: forever}, accepted: unavailable, invite: unavailable, outcomeUnknown: true},
	}
}

func (f kratosFault) newHarness(t *testing.T) *bridgetest.Harness {
	return bridgetest.New(t, func(c *bridge.Config) {
		if f.fault.Delay+f.fault.Stall > 0 {
			c.IdentityTimeout = 3 * time.Second // enough for the other requests
		}
	})
}

// TestAcceptWhenKratosFails: however Kratos fails, the caller learns whether to
// try again, a write that may have had an effect is not sent again, and the
// token stays valid.
func TestAcceptWhenKratosFails(t *testing.T) {
	for _, c := range kratosFaults() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := c.newHarness(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			restore := w.Kratos.OnPut(c.fault)
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			e := refusal(t, err, c.accepted)
			if (e.Kind == bridge.KindUnavailable) != (e.RetryAfter > 0) {
				t.Errorf("retry after %s", e.RetryAfter)
			}
			if n := w.Kratos.Puts(); n != 1 && !c.resent {
				t.Errorf("%d writes", n)
			}
			restore()
			if c.outcomeUnknown {
				_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
				refused(t, err, bridge.ErrAcceptInProgress)
				w.Clock.Advance(3 * time.Second)
			}
			if w.Kratos.Active(offer.Invitation.IdentityID) { // only the response was lost
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

// TestInviteWhenKratosFails: one invite asks for an identity once, and inviting
// again makes no second one, whether or not the first was created.
func TestInviteWhenKratosFails(t *testing.T) {
	for _, c := range kratosFaults() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := c.newHarness(t)
			c.fault.Method, c.fault.Route = http.MethodPost, kratostest.RouteIdentities
			restore := w.Kratos.Inject(c.fault)
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
			refused(t, err, c.invite)
			if n := w.Kratos.Count(http.MethodPost, kratostest.RouteIdentities).Calls; n != 1 {
				t.Errorf("%d writes", n)
			}
			restore()
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			accept(t, w, offer, password)
			if n := w.Kratos.Len(); n != 1 {
				t.Errorf("%d identities", n)
			}
		})
	}
}
