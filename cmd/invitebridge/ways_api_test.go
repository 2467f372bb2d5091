package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/tracing/tracingtest"
)

// TestWaysIn_api: a native app accepts without a browser, with and without a
// password, and has a session afterwards. Neither the code nor the session is in a
// trace, the log, or the store.
func TestWaysIn_api(t *testing.T) {
	collector := tracingtest.New(t, nil)
	w := startWaysIn(t, fmt.Sprintf(`tracing: { provider: otel, providers: { otlp: { server_url: %q, insecure: true, authorization_header: Bearer CANARY } } }`, collector.Server))
	accept := func(email string, body object) (session, secret string) {
		issued := w.invite(object{"email": email, "notify": false})
		a := w.call(http.MethodPost, w.public+base+"/"+token(issued), body)
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.text)
		}
		step := a.body["continue_with"].([]any)[0].(object)
		switch step["action"] {
		case "set_ory_session_token":
			secret = step["ory_session_token"].(string)
			return secret, secret
		case "show_recovery_ui":
			flow := bridge.RecoveryFlow{ID: uuid.MustParse(step["flow"].(object)["id"].(string)), Code: bridge.NewCode(step["recovery_code"].(string))}
			session, err := w.kratos.RecoveryOf(flow).Use(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return session, flow.Code.Reveal()
		}
		t.Fatalf("it continues with %v", step)
		return "", ""
	}
	var sessions []string
	var codes []*regexp.Regexp
	for name, body := range map[string]object{
		"kratos":   {"method": "kratos", "flow_type": "api"},
		"password": {"password": password, "session": true},
	} {
		email := "api." + name + "@example.com"
		session, secret := accept(email, body)
		in, err := w.kratos.Whoami(t.Context(), session)
		if err != nil || !in.Active || in.AAL != "aal1" {
			t.Errorf("%s: the session is %+v, %v", name, in, err)
		}
		if name == "password" && (len(in.Devices) != 1 || in.Devices[0].UserAgent != "Go-http-client/1.1" || !strings.HasPrefix(in.Devices[0].IPAddress, "127.0.0.1")) {
			t.Errorf("its devices are %+v", in.Devices)
		}
		sessions = append(sessions, session)
		if secret != session {
			codes = append(codes, codePattern(secret))
		}
		w.crm.await("post_password_creation", email)
	}
	w.stop()
	assertNoSecret(t, w.running, sessions)
	assertNoCode(t, w.running, codes)
	assertNoSecretSent(t, collector, sessions)
	for _, code := range codes {
		if code.MatchString(collector.Raw()) {
			t.Error("a trace has the code")
		}
	}
	for _, span := range []string{"kratos activate_only", "kratos recovery", "kratos sign_in"} {
		if len(collector.Named(span)) != 1 {
			t.Errorf("there is no span %q: the search would prove nothing", span)
		}
	}
}
