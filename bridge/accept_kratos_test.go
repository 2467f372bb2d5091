package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

var byKratos = bridge.AcceptParams{Method: bridge.AcceptKratos}

// either permits both methods.
func either(c *bridge.Config) {
	c.AcceptWith = []bridge.AcceptMethod{bridge.AcceptPassword, bridge.AcceptKratos}
}

// TestAcceptWithKratos: the identity becomes active without a password, hooks are
// notified of the method, and the code signs in as the invitee.
func TestAcceptWithKratos(t *testing.T) {
	var asked []bridge.AcceptMethod
	w := bridgetest.New(t, either, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			if p.Type == bridge.EventPrePassword {
				asked = append(asked, p.Data.Method)
			}
			return nil
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	done, err := w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), byKratos)
	if err != nil || done.Invitation.State != bridge.StateAccepted || done.Recovery == nil {
		t.Fatalf("got %+v, %v", done, err)
	}
	id, err := w.Kratos.UseRecoveryCode(t.Context(), *done.Recovery)
	if err != nil || id != offer.Invitation.IdentityID {
		t.Errorf("the code signs in as %v, %v", id, err)
	}
	if len(asked) != 1 || asked[0] != bridge.AcceptKratos {
		t.Errorf("the blocking hook was called with the methods %v", asked)
	}
	wantMethod(t, w, bridge.AcceptKratos)
	acceptRefused(t, w, offer, bridge.ErrAccepted)
	_, err = w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), byKratos)
	refused(t, err, bridge.ErrAccepted)
	if n := w.Kratos.Count(http.MethodPost, kratostest.RouteRecovery).Calls; n != 1 {
		t.Errorf("%d codes were made, want one", n)
	}
}

// wantMethod checks the method in the only event about an acceptance.
func wantMethod(t *testing.T, w *bridgetest.Harness, want bridge.AcceptMethod) {
	t.Helper()
	page, _, err := w.Service.Messages(t.Context(), bridge.MessageQuery{Limit: 250})
	if err != nil {
		t.Fatal(err)
	}
	var got []bridge.AcceptMethod
	for _, m := range page {
		if m.Payload.Type == bridge.EventPostPassword {
			got = append(got, m.Payload.Data.Method)
		}
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("the methods of the acceptances are %q, want one %q", got, want)
	}
}

// TestAcceptWithKratos_refused: what is not offered is refused before anything
// begins.
func TestAcceptWithKratos_refused(t *testing.T) {
	onlyKratos := func(c *bridge.Config) { c.AcceptWith = []bridge.AcceptMethod{bridge.AcceptKratos} }
	device := &bridge.Device{UserAgent: "app/1.0"}
	for name, c := range map[string]struct {
		config func(*bridge.Config)
		with   bridge.AcceptParams
		want   *bridge.Error
	}{
		"kratos, not offered":   {func(*bridge.Config) {}, byKratos, bridge.ErrMethodNotOffered},
		"password, not offered": {onlyKratos, bridge.AcceptParams{Method: bridge.AcceptPassword, Password: password}, bridge.ErrMethodNotOffered},
		"unknown method":        {either, bridge.AcceptParams{Method: "magic"}, bridge.ErrMethodNotOffered},
		"kratos and a password": {either, bridge.AcceptParams{Method: bridge.AcceptKratos, Password: password}, bridge.ErrBadRequest},
		"kratos and a session":  {either, bridge.AcceptParams{Method: bridge.AcceptKratos, SignIn: device}, bridge.ErrBadRequest},
		"password, native":      {either, bridge.AcceptParams{Method: bridge.AcceptPassword, Password: password, Native: true}, bridge.ErrBadRequest},
		"session, not offered":  {either, bridge.AcceptParams{Method: bridge.AcceptPassword, Password: password, SignIn: device}, bridge.ErrSessionNotOffered},
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t, c.config)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			w.Kratos.ResetLog()
			_, err := w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), c.with)
			refused(t, err, c.want)
			if got := w.Kratos.Log(); len(got) > 0 {
				t.Errorf("Kratos got %+v", got)
			}
			if _, err := w.Service.Preview(t.Context(), offer.Token.Reveal()); err != nil {
				t.Errorf("the token is not valid anymore: %v", err)
			}
		})
	}
}

// TestAcceptWithKratos_verifies: only a token from the email proves the address, and
// state, address and mark are one request.
func TestAcceptWithKratos_verifies(t *testing.T) {
	for _, emailed := range []bool{false, true} {
		t.Run(fmt.Sprint("emailed ", emailed), func(t *testing.T) {
			w := bridgetest.New(t, either)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			token := offer.Token.Reveal()
			if emailed {
				token = emailedToken(t, w)
			}
			w.Kratos.ResetLog()
			if _, err := w.Service.AcceptWith(t.Context(), token, byKratos); err != nil {
				t.Fatal(err)
			}
			i, err := w.Identities().Get(t.Context(), offer.Invitation.IdentityID)
			if err != nil || !i.Active || i.EmailVerified != emailed || len(i.Credentials) > 0 {
				t.Errorf("the identity is %+v, %v", i, err)
			}
			writes := 0
			for _, r := range w.Kratos.Log() {
				if r.IsWrite() && r.Route == kratostest.RouteIdentity {
					writes++
				}
			}
			if writes != 1 {
				t.Errorf("%d writes, want one", writes)
			}
		})
	}
}

// TestAcceptWithKratos_noCode: an acceptance stands without a code, and without the
// requested return URL.
func TestAcceptWithKratos_noCode(t *testing.T) {
	for name, c := range map[string]struct {
		fault    kratostest.Fault
		returnTo string
		code     bool
	}{
		"the method is disabled":        {bridgetest.Answer(http.StatusNotFound), "", false},
		"Kratos fails":                  {bridgetest.Answer(http.StatusInternalServerError), "", false},
		"the response is lost":          {bridgetest.CutAfter, "", false},
		"the return URL is not allowed": {kratostest.Fault{}, kratostest.ForbiddenReturn, true},
	} {
		t.Run(name, func(t *testing.T) {
			var warned []string
			w := bridgetest.New(t, either, func(b *bridge.Config) {
				b.ReturnTo = c.returnTo
				b.Warn = func(message string, args ...any) { warned = append(warned, message+fmt.Sprint(args...)) }
			})
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			if c.returnTo == "" {
				c.fault.Method, c.fault.Route = http.MethodPost, kratostest.RouteRecovery
				defer w.Kratos.Inject(c.fault)()
			}
			done, err := w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), byKratos)
			if err != nil || done.Invitation.State != bridge.StateAccepted || (done.Recovery != nil) != c.code {
				t.Errorf("got %+v, %v", done, err)
			}
			if len(warned) != 1 || !strings.Contains(warned[0], offer.Invitation.ID.String()) {
				t.Errorf("the log has %q", warned)
			}
			if stateOf(t, w, offer) != bridge.StateAccepted || !w.Kratos.Active(offer.Invitation.IdentityID) {
				t.Error("the invitation is not accepted")
			}
		})
	}
}

// TestAcceptWithKratos_unknown: a lost response is resolved by reading, and no code
// is ever made for it.
func TestAcceptWithKratos_unknown(t *testing.T) {
	for name, fault := range map[string]kratostest.Fault{"cut before": bridgetest.CutBefore, "cut after": bridgetest.CutAfter, "cut in the body": bridgetest.CutBody, "fails after": bridgetest.FailAfter} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t, either)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			fault.Method, fault.Route = http.MethodPatch, kratostest.RouteIdentity
			restore := w.Kratos.Inject(fault)
			_, err := w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), byKratos)
			refused(t, err, bridge.ErrKratosUnavailable)
			restore()
			w.Clock.Advance(testLease)
			sweep(t, w)
			if name == "cut before" {
				if _, err := w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), byKratos); err != nil {
					t.Errorf("accepted again: %v", err)
				}
				return
			}
			acceptRefused(t, w, offer, bridge.ErrAccepted)
			wantMethod(t, w, bridge.AcceptKratos)
			if n := w.Kratos.Count(http.MethodPost, kratostest.RouteRecovery).Calls; n != 0 {
				t.Errorf("%d codes were made", n)
			}
		})
	}
}

// TestAcceptWithKratos_atOnce: of eight browsers, half of them with a password, one
// succeeds.
func TestAcceptWithKratos_atOnce(t *testing.T) {
	w := bridgetest.New(t, either)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	var wait sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for n := range 8 {
		with := byKratos
		if n%2 == 0 {
			with = bridge.AcceptParams{Method: bridge.AcceptPassword, Password: password}
		}
		wait.Go(func() {
			_, err := w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), with)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				accepted++
			case !errors.Is(err, bridge.ErrAccepted) && !errors.Is(err, bridge.ErrAcceptInProgress):
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if accepted != 1 {
		t.Errorf("%d succeeded", accepted)
	}
}

// TestAcceptWithKratos_noPasswordTrait: a schema without a password identifier can be
// invited to if no password is asked for.
func TestAcceptWithKratos_noPasswordTrait(t *testing.T) {
	schema := strings.ReplaceAll(noPasswordSchema, "\t", " ")
	o := kratostest.FakeOptions{Schemas: map[string]string{"passwordless": schema}}
	r := bridge.InviteRequest{Email: email, SchemaID: "passwordless"}
	w := bridgetest.NewAt(t, o, either)
	_, err := w.Service.Invite(t.Context(), r)
	refused(t, err, bridge.ErrTraitsInvalid)
	w = bridgetest.NewAt(t, o, func(c *bridge.Config) { c.AcceptWith = []bridge.AcceptMethod{bridge.AcceptKratos} })
	offer := invite(t, w, r)
	done, err := w.Service.AcceptWith(t.Context(), offer.Token.Reveal(), byKratos)
	if err != nil || done.Recovery == nil {
		t.Errorf("got %+v, %v", done, err)
	}
}

const noPasswordSchema = `{"$id":"passwordless","type":"object","properties":{"traits":{"type":"object","properties":{
	"email":{"type":"string","format":"email","ory.sh/kratos":{"credentials":{"code":{"identifier":true,"via":"email"}},"verification":{"via":"email"},"recovery":{"via":"email"}}}},
	"additionalProperties":false}}}`
