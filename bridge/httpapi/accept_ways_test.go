package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/page"
	"invitebridge/kratos/kratostest"
)

const kratosPublic = "https://kratos.example.com"

// acceptWith starts a bridge with these methods, and a page that offers them.
func acceptWith(t *testing.T, recoveryURL string, methods ...bridge.AcceptMethod) *api {
	t.Helper()
	return startWith(t, bridgetest.New(t, func(c *bridge.Config) { c.AcceptWith, c.Sessions = methods, true }), func(c *httpapi.Config) {
		offered, err := page.New(page.Config{AcceptWith: methods, FormOrigins: []string{kratosPublic, "https://app.example.com"}})
		if err != nil {
			t.Fatal(err)
		}
		c.Page, c.RecoveryURL = offered, recoveryURL
	})
}

// TestAcceptWithKratos: the response has the recovery flow and its code, and the
// preview says which methods there are.
func TestAcceptWithKratos(t *testing.T) {
	a := acceptWith(t, "", bridge.AcceptKratos)
	o := a.invite(object{"email": email})
	preview := a.asInvitee(http.MethodGet, "/"+o.Token, nil)
	if text := string(preview.body); !strings.Contains(text, `"accept_with":["kratos"]`) || strings.Contains(text, "password_policy") {
		t.Errorf("preview: %s", text)
	}
	got := a.asInvitee(http.MethodPost, "/confirm", object{"invitation_token": o.Token, "method": "kratos"})
	var accepted struct {
		Invitation struct{ State string }
		Continue   []struct {
			Action string
			Flow   struct {
				ID  uuid.UUID
				URL string
			}
			Code string `json:"recovery_code"`
		} `json:"continue_with"`
	}
	got.into(t, &accepted)
	if got.status != http.StatusOK || accepted.Invitation.State != "accepted" || len(accepted.Continue) != 1 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	step := accepted.Continue[0]
	if step.Action != "show_recovery_ui" || !strings.Contains(step.Flow.URL, step.Flow.ID.String()) || strings.Contains(step.Flow.URL, step.Code) {
		t.Errorf("it continues with %+v", step)
	}
	if id, err := a.Kratos.UseRecoveryCode(t.Context(), bridge.RecoveryFlow{ID: step.Flow.ID, Code: bridge.NewCode(step.Code)}); err != nil || id.String() != o.IdentityID {
		t.Errorf("the code signs in as %s, %v", id, err)
	}
	if strings.Contains(a.log.String(), step.Code) {
		t.Error("the log has the code")
	}
}

// TestAcceptWithKratos_noFlow: without a recovery flow there is nothing to continue
// with, and the invitation is accepted.
func TestAcceptWithKratos_noFlow(t *testing.T) {
	a := acceptWith(t, "", bridge.AcceptPassword, bridge.AcceptKratos)
	o := a.invite(object{"email": email})
	fault := bridgetest.Answer(http.StatusNotFound)
	fault.Method, fault.Route = http.MethodPost, kratostest.RouteRecovery
	defer a.Kratos.Inject(fault)()
	got := a.asInvitee(http.MethodPost, "/"+o.Token, object{"method": "kratos"})
	if got.status != http.StatusOK || !strings.Contains(string(got.body), `"continue_with":[]`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestAcceptWithSession: the token of the requested session comes before the
// redirect.
func TestAcceptWithSession(t *testing.T) {
	a := acceptWith(t, "", bridge.AcceptPassword)
	o := a.invite(object{"email": email})
	got := a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": password, "session": true})
	var accepted struct {
		Continue []struct {
			Action string
			Token  string `json:"ory_session_token"`
		} `json:"continue_with"`
	}
	got.into(t, &accepted)
	if got.status != http.StatusOK || len(accepted.Continue) != 2 || accepted.Continue[0].Action != "set_ory_session_token" || !a.Kratos.SessionWorks(accepted.Continue[0].Token) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestPageKratos: the page sends the code to Kratos, or shows it where it must not
// send a form there, or says how to recover the account.
func TestPageKratos(t *testing.T) {
	choose := url.Values{"method": {"kratos"}}
	both := []bridge.AcceptMethod{bridge.AcceptPassword, bridge.AcceptKratos}
	t.Run("sent", func(t *testing.T) {
		a := acceptWith(t, kratosPublic+"/self-service/recovery", both...)
		o := a.invite(object{"email": email})
		form := a.open(o.Token)
		a.wantScreen(t, form, http.StatusOK, "form", `name="password"`, `name="method" value="kratos"`)
		if policy := form.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+kratosPublic+" https://app.example.com;") {
			t.Errorf("the policy is %s", policy)
		}
		got := a.submit(o.Token, choose)
		a.wantScreen(t, got, http.StatusOK, "continue", `action="`+kratosPublic+`/self-service/recovery?flow=`, `name="code" value="`)
		if got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("a page with a code has the headers %v", got.header)
		}
		a.wantScreen(t, a.submit(o.Token, choose), http.StatusGone, "done", "If you have not chosen how to sign in yet")
	})
	t.Run("shown", func(t *testing.T) {
		a := acceptWith(t, "", both...)
		o := a.invite(object{"email": email})
		a.wantScreen(t, a.submit(o.Token, choose), http.StatusOK, "continue", `<p class="code"><code>`, `target="_blank"`)
	})
	t.Run("without a code", func(t *testing.T) {
		a := acceptWith(t, kratosPublic+"/self-service/recovery", bridge.AcceptKratos)
		o := a.invite(object{"email": email})
		fault := bridgetest.Answer(http.StatusNotFound)
		fault.Method, fault.Route = http.MethodPost, kratostest.RouteRecovery
		defer a.Kratos.Inject(fault)()
		a.wantScreen(t, a.submit(o.Token, choose), http.StatusOK, "recover", "forgot password", `href="https://id.example.com/login"`)
	})
	t.Run("the only way", func(t *testing.T) {
		a := acceptWith(t, "", bridge.AcceptKratos)
		o := a.invite(object{"email": email})
		form := a.open(o.Token)
		a.wantScreen(t, form, http.StatusOK, "form", `name="method" value="kratos"`, "Continue to choose how you want to sign in")
		if strings.Contains(string(form.body), `type="password"`) {
			t.Error("it asks for a password")
		}
		a.wantScreen(t, a.submit(o.Token, url.Values{"password": {password}}), http.StatusBadRequest, "form", `role="alert"`)
	})
}
