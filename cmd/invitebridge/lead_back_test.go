package main

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"invitebridge/bridge/mail/mailtest"
	"invitebridge/bridge/page/pagetest"
	"invitebridge/kratos/kratostest"
)

// peopleSchema has every trait that the email templates could show, and a locale.
const peopleSchema = `{"$id": "https://invitebridge.invalid/people.schema.json", "type": "object", "properties": {"traits": {"type": "object",
	"properties": {
		"email": {"type": "string", "format": "email", "ory.sh/kratos": {
			"credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}},
			"verification": {"via": "email"}, "recovery": {"via": "email"}}},
		"locale": {"type": "string"}, "name": {"type": "string"}},
	"required": ["email"]}}}`

// leading is a real Kratos that sends the emails of config/stack/courier.
type leading struct {
	*kratostest.Server
	t   *testing.T
	box *mailtest.Mailbox
}

func startLeading(t *testing.T, recovery string) *leading {
	t.Helper()
	kratostest.SkipIfShort(t)
	box, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Stop)
	templates, err := filepath.Abs("../../config/stack/courier")
	if err != nil {
		t.Fatal(err)
	}
	server, err := kratostest.Start(t.Context(), kratostest.Options{
		EveryMethod: true, BcryptCost: 4, Courier: true, Schemas: map[string]string{"people": peopleSchema},
		Config: fmt.Sprintf("courier: { template_override_path: %q, smtp: { connection_uri: %q, from_address: kratos@example.com } }\n"+
			"selfservice: { flows: { recovery: { use: %s } } }\n", templates, box.URI(), recovery),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &leading{server, t, box}
}

// add creates an identity with a name that is markup.
func (l *leading) add(email, state, locale string) {
	l.t.Helper()
	_, err := l.Create(l.t.Context(), fmt.Sprintf(`{"schema_id":"people","state":%q,"traits":{"email":%q,"locale":%q,"name":%q}}`, state, email, locale, "<b>Bobby</b>"))
	if err != nil {
		l.t.Fatal(err)
	}
}

// ask types an address at a door of Kratos and returns the email that arrives.
func (l *leading) ask(flow string, form object) mailtest.Email {
	l.t.Helper()
	begun, err := send(l.t.Context(), http.MethodGet, l.PublicURL+"/self-service/"+flow+"/api", nil)
	if err != nil || begun.status != http.StatusOK {
		l.t.Fatal(begun.status, begun.text, err)
	}
	ui, _ := begun.body["ui"].(object)
	sent, err := send(l.t.Context(), http.MethodPost, ui["action"].(string), form)
	if err != nil || !strings.Contains(sent.text, "sent_email") {
		l.t.Fatal(sent.status, sent.text, err)
	}
	return <-l.box.Emails
}

// htmlPart returns the HTML of an email.
func htmlPart(t *testing.T, e mailtest.Email) string {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(e.Raw))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for parts := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatalf("no HTML: %v in %s", err, e.Raw)
		}
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			continue
		}
		var body io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

const againLink = "http://127.0.0.1:4488/invite/again"

var sixDigits = regexp.MustCompile(`(?m)^\d{6}\s*$`)

// TestKratosTemplates: at each door of a real Kratos, somebody who is not active gets
// the link to /invite/again instead of a useless code, and everybody else what they asked
// for, in their language. Nothing of the identity is in the email.
func TestKratosTemplates(t *testing.T) {
	kratostest.SkipIfShort(t)
	n := 0
	for recovery, doors := range map[string]map[string]func(email string) (string, object){
		"code": {
			"recovery":   func(email string) (string, object) { return "recovery", object{"method": "code", "email": email} },
			"code login": func(email string) (string, object) { return "login", object{"method": "code", "identifier": email} },
		},
		"link": {
			"recovery link": func(email string) (string, object) { return "recovery", object{"method": "link", "email": email} },
		},
	} {
		l := startLeading(t, recovery)
		for door, form := range doors {
			for locale, words := range map[string]struct{ inactive, ask, ignore string }{
				"":                              {"Your account is not active", "If you have been invited, ask for a new link here:", "you can ignore it"},
				"fr":                            {"Your account is not active", "If you have been invited, ask for a new link here:", "you can ignore it"},
				"de-AT":                         {"Ihr Konto ist nicht aktiv", "Wenn Sie eingeladen wurden, können Sie hier einen neuen Link anfordern:", "können Sie sie ignorieren"},
				`de"><script>alert(1)</script>`: {"Ihr Konto ist nicht aktiv", "Wenn Sie eingeladen wurden", "können Sie sie ignorieren"},
			} {
				for _, state := range []string{"inactive", "active"} {
					name := fmt.Sprintf("%s, %s, %q", door, state, locale)
					n++
					email := fmt.Sprintf("person-%d@example.com", n)
					l.add(email, state, locale)
					got := l.ask(form(email))
					html := htmlPart(t, got)
					if got.Recipients[0] != email || strings.Contains(got.Raw, "script") || strings.Contains(got.Raw, "Bobby") {
						t.Errorf("%s: to %s: %s", name, got.Recipients, got.Raw)
					}
					secret := sixDigits.MatchString(got.Text) || strings.Contains(got.Text, "/self-service/recovery?")
					secretHTML := sixDigits.MatchString(html) || strings.Contains(html, "/self-service/recovery?")
					if inactive := state == "inactive"; secret == inactive || secretHTML == inactive ||
						strings.Contains(got.Text, againLink) != inactive || strings.Contains(html, `<a href="`+againLink+`">`) != inactive ||
						strings.Contains(got.Subject, words.inactive) != inactive {
						t.Errorf("%s: %s\n%s", name, got, html)
					}
					said := words.ignore
					if state == "inactive" {
						said = words.ask
					}
					if !strings.Contains(got.Text, said) || !strings.Contains(html, said) {
						t.Errorf("%s: does not say %q: %s\n%s", name, said, got, html)
					}
					if sixDigits.MatchString(got.Subject) || strings.TrimSpace(got.Subject) != got.Subject {
						t.Errorf("%s: the subject is %q", name, got.Subject)
					}
				}
			}
		}
	}
}

// TestLeadBack goes from "forgot password" at Kratos to a login: an invited person who
// lost the email gets the link to /invite/again, asks there, and accepts.
func TestLeadBack(t *testing.T) {
	l := startLeading(t, "code")
	box, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Stop)
	b := startBridge(t, l.Server, "kratos: { schema_id: people }", "invitation: { cooldown: 1ms }",
		`courier: { smtp: { connection_uri: "`+box.URI()+`", from_address: bridge@example.com } }`)
	const email = "lost@example.com"
	id := b.invite(object{"email": email})["id"].(string)
	<-box.Emails // lost

	got := l.ask("recovery", object{"method": "code", "email": email})
	link := regexp.MustCompile(`http://\S+`).FindString(got.Text)
	if link != againLink {
		t.Fatalf("no link in %s", got)
	}
	page := b.public + strings.TrimPrefix(link, "http://127.0.0.1:4488") // where the bridge of the stack is
	tab := pagetest.Open(t, pagetest.Options{Width: 390, Height: 780, Mobile: true})
	tab.Visit(page)
	tab.Fill("#email", "=?utf-8?q?lost?=@example.com") // browsers accept it
	tab.Click(submitButton)
	tab.See("complete email address")
	if focus := tab.Focused(); !strings.Contains(focus, "email") {
		t.Errorf("the focus is on %s", focus)
	}
	tab.Fill("#email", email)
	tab.Click(submitButton)
	tab.See("Check your inbox")
	tab.Visit(b.public + regexp.MustCompile(`/invite/\S{22}`).FindString((<-box.Emails).Text))
	tab.Fill(passwordField, password)
	tab.Click(submitButton)
	tab.See("You can sign in now")
	if err := l.SignIn(t.Context(), email, password); err != nil {
		t.Error(err)
	}
	if state := b.asAdmin(http.MethodGet, "/"+id, nil).body["state"]; state != "accepted" {
		t.Errorf("it is %v", state)
	}
	if values := b.scrape(); values["invitebridge_link_requests_waiting"] != "0" || values["invitebridge_link_requests_dropped_total"] != "0" {
		t.Errorf("%s wait, %s were dropped", values["invitebridge_link_requests_waiting"], values["invitebridge_link_requests_dropped_total"])
	}
	if strings.Contains(b.log.String(), email) {
		t.Error("the log has the address")
	}
}
