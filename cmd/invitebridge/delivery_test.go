package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/mail/mailtest"
	"invitebridge/bridge/testenv"
	"invitebridge/config"
	"invitebridge/kratos/kratostest"
)

var tokenInLink = regexp.MustCompile(`/invite/([A-Za-z0-9_-]{22})\b`)

// wired is a bridge with a real Kratos, a mail server and hooks.
type wired struct {
	*running
	kratos  *kratostest.Server
	mailbox *mailtest.Mailbox
	crm     *hookReceiver // gets all notifications
	gate    *hookReceiver // gets all blocking events
	login   string        // the proxy from withLogin, if the test uses it
}

// newWired starts one, with extra lines of configuration.
func newWired(t *testing.T, lines ...string) *wired {
	t.Helper()
	mailbox, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mailbox.Stop)
	return newWiredOn(t, kratostest.Shared(t), mailbox, lines...)
}

// newWiredOn is newWired with a Kratos and a mail server.
func newWiredOn(t *testing.T, kratos *kratostest.Server, mailbox *mailtest.Mailbox, lines ...string) *wired {
	t.Helper()
	w := &wired{kratos: kratos, mailbox: mailbox, crm: newHookReceiver(t), gate: newHookReceiver(t)}
	w.running = startBridge(t, w.kratos, append(lines, "log: { level: trace }", fmt.Sprintf(`
courier: { smtp: { connection_uri: "%s", from_address: bridge@example.com, from_name: Example } }
hooks:
  - { id: crm, url: "%s/crm?key=CANARY-query", secrets: [ %s ], headers: { X-Env: CANARY-header },
      events: [ invitation_token_created, invitation_reminder, post_password_creation, invitation_revoked, invitation_expired, delivery_failed ] }
  - { id: gate, url: %s, secrets: [ %s ], can_interrupt: true, events: [ pre_invitation_creation, pre_password_creation ] }
`, mailbox.URI(), w.crm.URL, hookSecret, w.gate.URL, hookSecret))...)
	return w
}

// awaitEmail waits for the email to an address.
func (w *wired) awaitEmail(address string) mailtest.Email {
	w.t.Helper()
	for {
		select {
		case email := <-w.mailbox.Emails:
			if len(email.Recipients) != 1 {
				w.t.Errorf("recipients: %v", email.Recipients)
			}
			if email.Recipients[0] == address {
				return email
			}
		case <-time.After(testenv.Limit):
			w.t.Fatalf("no email for %s", address)
		}
	}
}

// verified reports whether the address is verified in Kratos.
func (w *wired) verified(t *testing.T, issued object) bool {
	t.Helper()
	addresses, _ := identity(t, w.kratos, issued)["verifiable_addresses"].([]any)
	if len(addresses) != 1 {
		t.Fatalf("addresses: %v", addresses)
	}
	return addresses[0].(object)["verified"] == true
}

func TestDelivery(t *testing.T) {
	w := newWired(t)
	var secrets []string

	t.Run("the token decides whether the address is verified", func(t *testing.T) {
		for _, channel := range []string{"email", "api", "hook"} {
			email := channel + ".channel@example.com"
			issued := w.invite(object{"email": email, "inviter_name": "Grace"})
			if issued["delivery"] != "queued" {
				t.Errorf("delivery is %v", issued["delivery"])
			}
			inEmail := tokenInLink.FindStringSubmatch(w.awaitEmail(email).Text)
			hooked := w.crm.await("invitation_token_created", email)
			if inEmail == nil || hooked.token == "" || inEmail[1] == hooked.token || inEmail[1] == token(issued) {
				t.Fatal("the three channels do not have three different tokens")
			}
			tokens := map[string]string{"email": inEmail[1], "api": token(issued), "hook": hooked.token}
			if a := w.accept(tokens[channel], password); a.status != http.StatusOK {
				t.Fatalf("%s: %d %s", channel, a.status, a.text)
			}
			if got := w.verified(t, issued); got != (channel == "email") {
				t.Errorf("accepted with the token from %s, the address is verified: %v", channel, got)
			}
			if err := w.kratos.SignIn(t.Context(), email, password); err != nil {
				t.Error(err)
			}
			w.crm.await("post_password_creation", email)
			for _, used := range tokens {
				secrets = append(secrets, used)
				if a := w.accept(used, password); a.errorID() != "invitation_accepted" {
					t.Errorf("another token is still valid: %d %s", a.status, a.text)
				}
			}
			eventually(t, func() bool {
				a := w.asAdmin(http.MethodGet, "/"+issued["id"].(string), nil)
				return a.body["delivery"] == "sent" && a.body["send_count"] == 1.0 && a.body["sent_at"] != nil
			})
		}
	})
	t.Run("a hook refuses, then allows", func(t *testing.T) {
		const email = "gated@example.com"
		refuse := func(_ hookEvent, rw http.ResponseWriter) bool {
			rw.WriteHeader(http.StatusForbidden)
			fmt.Fprint(rw, `{"messages":[{"instance_ptr":"#/traits/email","messages":[{"id":4900001,"text":"No seat is left.","type":"error"}]}]}`)
			return true
		}
		w.gate.Answer(refuse)
		a := w.asAdmin(http.MethodPost, "/", object{"email": email})
		if a.status != http.StatusForbidden || a.errorID() != "hook_refused" || !strings.Contains(a.text, "No seat is left.") {
			t.Errorf("%d %s", a.status, a.text)
		}
		w.gate.Answer(nil)
		issued := w.invite(object{"email": email})
		secrets = append(secrets, token(issued))
		w.gate.Answer(refuse)
		if a := w.accept(token(issued), password); a.status != http.StatusForbidden || !strings.Contains(a.text, `"instance_ptr":"#/traits/email"`) {
			t.Errorf("%d %s", a.status, a.text)
		}
		w.gate.Answer(func(_ hookEvent, rw http.ResponseWriter) bool {
			rw.WriteHeader(http.StatusInternalServerError)
			return true
		})
		if a := w.accept(token(issued), password); a.status != http.StatusServiceUnavailable || a.errorID() != "hook_unavailable" || a.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", a.status, a.text)
		}
		w.gate.Answer(nil)
		before := len(w.gate.events("pre_password_creation", email))
		var both sync.WaitGroup
		statuses := make([]int, 2)
		for i := range statuses {
			both.Go(func() {
				if a, err := send(t.Context(), http.MethodPost, w.public+base+"/"+token(issued), object{"password": password}); err == nil {
					statuses[i] = a.status
				}
			})
		}
		both.Wait()
		if statuses[0]+statuses[1] != http.StatusOK+http.StatusConflict && statuses[0]+statuses[1] != http.StatusOK+http.StatusGone {
			t.Errorf("two at once: %v", statuses)
		}
		if n := len(w.gate.events("pre_password_creation", email)) - before; n != 1 {
			t.Errorf("the hook was called %d times", n)
		}
	})
	t.Run("a rejected email fails, is reported, and is sent by a retry", func(t *testing.T) {
		const email = "bounced@example.com"
		w.mailbox.Refuse(550)
		issued := w.invite(object{"email": email})
		secrets = append(secrets, token(issued))
		w.crm.await("delivery_failed", email)
		id := issued["id"].(string)
		if a := w.asAdmin(http.MethodGet, "/"+id, nil); a.body["delivery"] != "failed" {
			t.Errorf("%s", a.text)
		}
		w.mailbox.Refuse(0)
		for _, m := range w.messages("/" + id + "/messages?state=failed") {
			a := w.asAdmin(http.MethodGet, "/messages/"+m["id"].(string), nil)
			attempts, _ := a.body["attempts"].([]any)
			if len(attempts) != 1 || attempts[0].(object)["status"] != 550.0 || m["endpoint"] != "courier" {
				t.Errorf("%s", a.text)
			}
			if a := w.asAdmin(http.MethodPost, "/messages/"+m["id"].(string)+"/retry", nil); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.text)
			}
		}
		inEmail := tokenInLink.FindStringSubmatch(w.awaitEmail(email).Text)
		if a := w.accept(inEmail[1], password); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.text)
		}
		if a := w.asAdmin(http.MethodGet, "/messages/"+id, nil); a.errorID() != "message_not_found" {
			t.Errorf("%d %s", a.status, a.text)
		}
	})
	t.Run("revoked", func(t *testing.T) {
		issued := w.invite(object{"email": "revoked.hook@example.com", "notify": false})
		secrets = append(secrets, token(issued))
		if issued["delivery"] != "off" {
			t.Errorf("delivery is %v", issued["delivery"])
		}
		w.asAdmin(http.MethodPost, "/"+issued["id"].(string)+"/revoke", nil)
		w.crm.await("invitation_revoked", "revoked.hook@example.com")
	})
	if code := w.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	assertNoSecret(t, w.running, append(secrets, password, key, hookSecret, mailtest.Password, "CANARY-query"))
	assertNoSecret(t, w.running, []string{"CANARY-header"})
}

func (b *running) messages(path string) (list []object) {
	b.t.Helper()
	a := b.asAdmin(http.MethodGet, path, nil)
	if a.status != http.StatusOK {
		b.t.Fatalf("%d %s", a.status, a.text)
	}
	decode(b.t, a.text, &list)
	return list
}

// assertNoSecret searches the store and the log, which has level trace.
func assertNoSecret(t *testing.T, b *running, secrets []string) {
	t.Helper()
	file, err := os.ReadFile(b.store)
	if err != nil {
		t.Fatal(err)
	}
	log := b.log.String()
	if !strings.Contains(log, `"msg":"message sent"`) || !strings.Contains(string(file), "invitation_token_created") {
		t.Error("store or log lack expected content: the search would prove nothing")
	}
	for _, secret := range secrets {
		if strings.Contains(string(file), secret) {
			t.Errorf("the store contains %.12s…", secret)
		}
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %.12s…", secret)
		}
	}
}

// TestConfigEvents: package config may not import package bridge, so it has its
// own list of events and its own name of the courier. They are the same, except that the
// event of the history is for audit.
func TestConfigEvents(t *testing.T) {
	for _, event := range bridge.Events() {
		if event == bridge.EventHistoryEntry {
			continue
		}
		_, err := config.Load(config.Options{Dev: true, Environ: []string{fmt.Sprintf(
			`INVITEBRIDGE_HOOKS=[{id: a, url: "http://127.0.0.1/", events: [%s], can_interrupt: %v}]`, event, event.Blocking())}})
		if err != nil {
			t.Errorf("%s: %v", event, err)
		}
	}
	_, err := config.Load(config.Options{Dev: true, Environ: []string{
		`INVITEBRIDGE_HOOKS=[{id: ` + bridge.EndpointCourier + `, url: "http://127.0.0.1/", events: [invitation_revoked]}]`}})
	if err == nil {
		t.Error("a hook can have the courier's name")
	}
}

// TestUnsupportedLocale: an invitation with a locale without texts is rejected,
// and accepted after a reload adds them.
func TestUnsupportedLocale(t *testing.T) {
	texts := t.TempDir()
	for name, text := range map[string]string{"subject": "Invito", "body": "<p>{{.Link}}</p>", "body.plaintext": "{{.Link}}", "expiry": `{{define "in"}}{{.Count}}{{end}}{{define "on"}}{{.Day}}{{end}}`} {
		if err := os.MkdirAll(filepath.Join(texts, "invitation", "it"), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(texts, "invitation", "it", "email."+name+".gotmpl"), text)
	}
	smtp := "courier: { smtp: { connection_uri: 'smtp://127.0.0.1:1', from_address: 'a@example.com' }, template_override_path: '%s' }"
	b := startFakeBridge(t, fmt.Sprintf(smtp, ""))
	body := object{"email": "ada@example.com", "locale": "it-IT"}
	if got := b.asAdmin(http.MethodPost, "/", body); got.status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got.body), "de, en") {
		t.Errorf("without texts: %d %s", got.status, got.body)
	}
	b.change(reloaded, fmt.Sprintf(smtp, texts))
	if got := b.asAdmin(http.MethodPost, "/", body); got.status != http.StatusCreated {
		t.Errorf("with texts: %d %s", got.status, got.body)
	}
}
