package docs

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/mail/mailtest"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

func TestMain(m *testing.M) { os.Exit(kratostest.Main(m)) }

// employeeSchema is a company's identity schema: users sign in with a username, the
// address is only for email, and a name and a department are required.
const employeeSchema = `{
  "$id": "https://acme.invalid/employee.json", "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
  "properties": {"traits": {
    "type": "object", "required": ["username", "email", "name", "department"], "additionalProperties": false,
    "properties": {
      "username": {"type": "string", "minLength": 2, "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}},
      "email": {"type": "string", "format": "email", "ory.sh/kratos": {"verification": {"via": "email"}, "recovery": {"via": "email"}}},
      "name": {"type": "object", "required": ["first"], "properties": {"first": {"type": "string"}}},
      "department": {"type": "string", "minLength": 1}}}}}`

// TestCompany follows an invitation through a company's setup: Kratos on PostgreSQL
// with its own schema, a mail relay that checks EHLO, nginx with a path prefix, and
// a hook with a Jsonnet body.
func TestCompany(t *testing.T) {
	nginx := tool(t, "nginx")
	kratos := companyKratos(t)
	relay, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Stop)
	relay.WantHello("invites.acme.example")
	hr, bodies := hookReceiver(t)

	p := newProxy(t)
	p.path = "/join"
	admin := freeAddress(t)
	config := write(t, filepath.Join(t.TempDir(), "invitebridge.yml"), fmt.Sprintf(`
dsn: bolt://%s
serve:
  public: { host: 127.0.0.1, port: %s, base_url: "https://%s/join", trusted_proxies: [127.0.0.1] }
  admin: { host: 127.0.0.1, port: %s, api_keys: [ { name: hr, key: %s } ] }
kratos: { admin_url: %s, public_url: %s, schema_id: employee }
courier: { smtp: { connection_uri: "%s", local_name: invites.acme.example, from_address: hr@acme.example } }
page: { title: ACME }
selfservice: { methods: { password: { config: { haveibeenpwned_enabled: false } } } }
hooks:
- id: hr
  url: %s
  secrets: [ whsec_Y2FuYXJ5LWhvb2stc2VjcmV0LW9mLXRoaXJ0eS10d28= ]
  events: [ post_password_creation ]
  body: base64://%s
`, filepath.Join(t.TempDir(), "invites.db"), portOf(p.bridge), host, portOf(admin), key, kratos.AdminURL, kratos.PublicURL, relay.URI(), hr,
		base64.StdEncoding.EncodeToString([]byte(`function(ctx) { who: ctx.data.invitation.email, what: ctx.type }`))))
	log := newLog(t, t.TempDir())
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(read(t, log.Name()))
		}
	})
	start(t, log, build(t), "serve", "-c", config)
	await(t, p.bridge)
	p.runNginx(newLog(t, p.dir), nginx)
	await(t, p.address)

	body := `{"email":"ada@acme.example","inviter_name":"Grace","traits":{"username":"ada","name":{"first":"Ada"},"department":"engines"}}`
	if status, text := asAdmin(t, admin, body); status != http.StatusCreated {
		t.Fatalf("invite: %d %s", status, text)
	}
	token := tokenFromEmail(t, relay)
	if status, page := p.send(http.MethodGet, "/join/invite/"+token, ""); status != http.StatusOK || !strings.Contains(page, "Choose a password") || !strings.Contains(page, "<bdi>Grace</bdi> has invited you to <bdi>ACME</bdi>") {
		t.Fatalf("the page: %d %s", status, page)
	}
	const password = "correct-Horse-7-battery"
	if _, err := kratos.Login(t.Context(), "ada", password); !errors.Is(err, kratostest.ErrWrongPassword) {
		t.Errorf("sign-in before: %v", err)
	}
	if status, text := p.send(http.MethodPost, "/join/api/v1/invite/"+token, `{"password":"`+password+`"}`); status != http.StatusOK {
		t.Fatalf("accept: %d %s", status, text)
	}
	if _, err := kratos.Login(t.Context(), "ada", password); err != nil {
		t.Errorf("sign-in with the username: %v", err)
	}
	select {
	case got := <-bodies:
		var sent map[string]string
		if json.Unmarshal([]byte(got), &sent) != nil || sent["who"] != "ada@acme.example" || sent["what"] != "post_password_creation" {
			t.Errorf("the hook received %s", got)
		}
	case <-time.After(testenv.Limit):
		t.Error("the hook received nothing")
	}
	if status, text := asAdmin(t, admin, body); status != http.StatusConflict || !strings.Contains(text, "identity_already_active") {
		t.Errorf("inviting the address again: %d %s", status, text)
	}
}

// companyKratos starts a separate Kratos on PostgreSQL with employeeSchema.
func companyKratos(t *testing.T) *kratostest.Server {
	t.Helper()
	dsn, err := kratostest.SharedPostgres(t).NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kratos, err := kratostest.Start(t.Context(), kratostest.Options{BcryptCost: 4, DSN: dsn, Config: `
identity: { default_schema_id: employee, schemas: [ { id: employee, url: "base64://` + base64.StdEncoding.EncodeToString([]byte(employeeSchema)) + `" } ] }`})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kratos.Stop() })
	return kratos
}

// hookReceiver starts a webhook receiver and returns its URL and the bodies that it
// receives.
func hookReceiver(t *testing.T) (url string, bodies <-chan string) {
	t.Helper()
	got := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a truncated body fails the check of its content
		got <- string(body)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

var linkInEmail = regexp.MustCompile(`https://` + regexp.QuoteMeta(host) + `/join/invite/([\w-]+)`)

// tokenFromEmail returns the token of the link in the next email.
func tokenFromEmail(t *testing.T, box *mailtest.Mailbox) string {
	t.Helper()
	select {
	case email := <-box.Emails:
		if found := linkInEmail.FindStringSubmatch(email.Text); found != nil {
			return found[1]
		}
		t.Fatalf("no link in\n%s", email.Text)
	case <-time.After(testenv.Limit):
		t.Fatal("no email arrived")
	}
	return ""
}
