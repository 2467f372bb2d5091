package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/mail/mailtest"
	"invitebridge/kratos/kratostest"
)

// patient is a bridge whose configuration the doctor reads.
type patient struct {
	*running
	environ []string
}

func newPatient(b *running) patient {
	return patient{b, []string{envAdminURL + "=" + b.admin, envAPIKey + "=" + key}}
}

// examined runs the doctor, with further environment, and gives the findings. No
// secret may be among them.
func (p patient) examined(environ []string, args ...string) (code int, findings []finding, errs string) {
	p.t.Helper()
	args = append([]string{"doctor", "--format", "json", "-c", filepath.Join(filepath.Dir(p.store), "invitebridge.yml")}, args...)
	if p.more != "" {
		args = append(args, "-c", p.more)
	}
	var out, complaints bytes.Buffer
	code = run(p.t.Context(), args, append(slices.Clone(p.environ), environ...), stdio{&out, &complaints})
	for _, secret := range []string{key, mailtest.Password, hookSecret, "CANARY"} {
		if strings.Contains(out.String()+complaints.String(), secret) {
			p.t.Errorf("%s was printed:\n%s%s", secret, &out, &complaints)
		}
	}
	if code != exitUsage {
		decode(p.t, out.String(), &findings)
	}
	return code, findings, complaints.String()
}

// of gives what was found by a check.
func of(findings []finding, check string) (found []finding) {
	for _, f := range findings {
		if f.Check == check {
			found = append(found, f)
		}
	}
	return found
}

// inFront serves what is at an address. Requests may be refused with a status,
// and answers be changed; nil: they are not.
func inFront(t *testing.T, address string, refuse func(*http.Request) int, change func(h http.Header, body []byte) []byte) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = func(r *http.Response) error {
		body, err := io.ReadAll(r.Body)
		if change != nil {
			body = change(r.Header, body)
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		return err
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse != nil {
			if status := refuse(r); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// later has answers come from a clock that is ahead.
func later(d time.Duration) func(http.Header, []byte) []byte {
	return func(h http.Header, body []byte) []byte {
		h.Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat))
		return body
	}
}

// verifiable matches what makes a trait one that can be verified. Kratos v1.3.1
// serves a schema as its file has it, newer versions without white space.
var verifiable = regexp.MustCompile(`"verification"\s*:\s*\{\s*"via"\s*:\s*"email"\s*\}\s*,`)

// unverifiable cuts it out of answers.
func unverifiable(_ http.Header, body []byte) []byte { return verifiable.ReplaceAll(body, nil) }

// TestDoctor: in a good installation everything is well, and of each thing that
// can be wrong the check that it is about tells, and no other; nor does it keep
// the others from being made.
func TestDoctor(t *testing.T) {
	kratos := kratostest.Shared(t)
	box, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Stop)
	hook := newHookReceiver(t)
	secured := httptest.NewUnstartedServer(http.NotFoundHandler())
	secured.Config.ErrorLog = log.New(io.Discard, "", 0)
	secured.StartTLS()
	t.Cleanup(secured.Close)
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	b := startBridge(t, kratos,
		"courier: { smtp: { connection_uri: '"+box.URI()+"', from_address: a@example.com } }",
		"hooks: [ { id: crm, url: '"+hook.URL+"/CANARY?key=CANARY', events: [ invitation_revoked ], secrets: [ '"+hookSecret+"' ] } ]")
	p := newPatient(b)
	closed := closedAddress(t)
	guard := inFront(t, kratos.AdminURL, func(r *http.Request) int {
		if r.URL.Path != "/admin/health/ready" && r.Header.Get("Authorization") != "Bearer CANARY-good" {
			return http.StatusForbidden
		}
		return 0
	}, nil)
	hooks := func(url string) string {
		return "INVITEBRIDGE_HOOKS=[{id: crm, url: '" + url + "/CANARY', events: [invitation_revoked]}]"
	}
	const (
		admin, public, schema, clock, smtp, crm, identities = "kratos.admin_url", "kratos.public_url", "kratos.schema_id", "clock", "courier.smtp", "hook crm", "identities"
		adminURL, publicURL, trait                          = "INVITEBRIDGE_KRATOS_ADMIN_URL=", "INVITEBRIDGE_KRATOS_PUBLIC_URL=", "INVITEBRIDGE_KRATOS_EMAIL_TRAIT="
		mailURI                                             = "INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI="
	)
	fix, brief := []string{"--fix"}, []string{"--timeout", "2s"}
	endless := inFront(t, kratos.AdminURL, func(r *http.Request) int {
		if r.URL.Query().Get("page_size") == "100" { // the doctor's walk alone
			<-r.Context().Done()
		}
		return 0
	}, nil)
	for _, c := range []struct {
		name    string
		environ []string
		check   string
		verdict string
		text    string   // in message or advice
		also    []string // checks that the same thing spoils
		args    []string
	}{
		{name: "all is well", check: "configuration", verdict: verdictOK},
		{name: "the admin API", check: admin, verdict: verdictOK, text: "lets the bridge in"},
		{name: "nobody there", environ: []string{adminURL + closed}, check: admin, verdict: verdictProblem, text: "refused", also: []string{clock, identities}},
		{name: "the public API for the admin's", environ: []string{adminURL + kratos.PublicURL}, check: admin, verdict: verdictProblem, text: "4434", also: []string{clock, identities}},
		{name: "the token", environ: []string{adminURL + guard, "INVITEBRIDGE_KRATOS_ADMIN_TOKEN=CANARY-good"}, check: admin, verdict: verdictOK},
		{name: "another token", environ: []string{adminURL + guard, "INVITEBRIDGE_KRATOS_ADMIN_TOKEN=CANARY-bad"}, check: admin, verdict: verdictProblem, text: "kratos.admin_token", also: []string{identities}},
		{name: "the public API", check: public, verdict: verdictOK},
		{name: "nobody there", environ: []string{publicURL + closed}, check: public, verdict: verdictProblem, text: "refused", also: []string{schema, identities}},
		{name: "the admin API for the public one", environ: []string{publicURL + kratos.AdminURL}, check: public, verdict: verdictProblem, text: "close its /admin", also: []string{schema, identities}},
		{name: "another server", environ: []string{publicURL + other.URL}, check: public, verdict: verdictProblem, text: "4433", also: []string{schema, identities}},
		{name: "the schema", check: schema, verdict: verdictOK, text: "can be verified"},
		{name: "no such schema", environ: []string{"INVITEBRIDGE_KRATOS_SCHEMA_ID=none"}, check: schema, verdict: verdictProblem, text: "default, customer"},
		{name: "no such trait", environ: []string{trait + "mail"}, check: schema, verdict: verdictProblem, text: "no trait mail"},
		{name: "a trait nobody signs in with", environ: []string{trait + "name.first"}, check: schema, verdict: verdictProblem, text: "no password identifier"},
		{name: "a trait nobody verifies", environ: []string{publicURL + inFront(t, kratos.PublicURL, nil, unverifiable)}, check: schema, verdict: verdictWarning, text: "cannot be verified"},
		{name: "schemas are hidden", environ: []string{publicURL + inFront(t, kratos.PublicURL, func(r *http.Request) int {
			if strings.HasPrefix(r.URL.Path, "/schemas/") {
				return http.StatusNotFound
			}
			return 0
		}, nil)}, check: schema, verdict: verdictWarning, text: "look by hand", also: []string{identities}},
		{name: "the clock", check: clock, verdict: verdictOK},
		{name: "a little ahead", environ: []string{adminURL + inFront(t, kratos.AdminURL, nil, later(30*time.Second))}, check: clock, verdict: verdictWarning, text: "ahead"},
		{name: "far behind", environ: []string{adminURL + inFront(t, kratos.AdminURL, nil, later(-2*time.Minute))}, check: clock, verdict: verdictProblem, text: "behind"},
		{name: "no time", environ: []string{adminURL + inFront(t, kratos.AdminURL, nil, func(h http.Header, body []byte) []byte { h.Set("Date", ""); return body })}, check: clock, verdict: verdictWarning, text: "by hand"},
		{name: "the mail server", check: smtp, verdict: verdictOK, text: "would take emails"},
		{name: "no mail server", environ: []string{mailURI}, check: smtp, verdict: verdictOK, text: "nobody is mailed"},
		{name: "another password", environ: []string{mailURI + strings.Replace(box.URI(), mailtest.Password, "CANARY", 1)}, check: smtp, verdict: verdictProblem, text: "AUTH: the server replied 535"},
		{name: "no STARTTLS", environ: []string{mailURI + strings.TrimSuffix(box.URI(), "?disable_starttls=true")}, check: smtp, verdict: verdictProblem, text: "offers no STARTTLS"},
		{name: "nobody there", environ: []string{mailURI + "smtp://u:CANARY@" + strings.TrimPrefix(closed, "http://")}, check: smtp, verdict: verdictProblem, text: "connect: the connection was refused"},
		{name: "a hook", check: crm, verdict: verdictOK},
		{name: "nobody there", environ: []string{hooks(closed)}, check: crm, verdict: verdictProblem, text: "the connection was refused"},
		{name: "no trust", environ: []string{hooks(secured.URL)}, check: crm, verdict: verdictProblem, text: "unknown authority"},
		{name: "a private address", environ: []string{"INVITEBRIDGE_CLIENTS_HTTP_DISALLOW_PRIVATE_IP_RANGES=true"}, check: crm, verdict: verdictProblem, text: "disallow_private_ip_ranges"},
		{name: "identities", check: identities, verdict: verdictOK, text: "bear the bridge's mark"},
		{name: "no key", environ: []string{envAPIKey + "="}, check: identities, verdict: verdictWarning, text: "no API key is given"},
		{name: "another bridge's key", environ: []string{envAPIKey + "=CANARY"}, check: identities, verdict: verdictWarning, text: "none of this configuration's"},
		{name: "a key that the bridge does not know", environ: []string{envAPIKey + "=CANARY-of-16-letters", "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: new, key: CANARY-of-16-letters}]"}, check: identities, verdict: verdictWarning, text: "unauthorized"},
		{name: "no bridge", environ: []string{envAdminURL + "=" + closed}, check: identities, verdict: verdictWarning, text: "is the bridge running"},
		{name: "--fix and no key", environ: []string{envAPIKey + "="}, check: identities, verdict: verdictProblem, text: "no API key is given", args: fix},
		{name: "--fix with another bridge's key", environ: []string{envAPIKey + "=CANARY"}, check: identities, verdict: verdictProblem, text: "none of this configuration's", args: fix},
		{name: "--fix with a key that the bridge does not know", environ: []string{envAPIKey + "=CANARY-of-16-letters", "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: new, key: CANARY-of-16-letters}]"}, check: identities, verdict: verdictProblem, text: "unauthorized", args: fix},
		{name: "--fix and no bridge", environ: []string{envAdminURL + "=" + closed}, check: identities, verdict: verdictProblem, text: "is the bridge running", args: fix},
		{name: "a long list", environ: []string{adminURL + endless}, check: identities, verdict: verdictWarning, text: "the time was up", args: brief},
		{name: "--fix with a long list", environ: []string{adminURL + endless}, check: identities, verdict: verdictProblem, text: "the time was up", args: append(fix, brief...)},
		{name: "--fix with nothing to delete", check: identities, verdict: verdictOK, text: "bear the bridge's mark", args: fix},
	} {
		t.Run(c.check+"/"+c.name, func(t *testing.T) {
			code, findings, errs := p.examined(c.environ, c.args...)
			if want := map[bool]int{true: exitFailed}[c.verdict == verdictProblem]; code != want || (code == exitOK) != (errs == "") {
				t.Errorf("exit code %d, want %d; %s", code, want, errs)
			}
			for _, check := range []string{"configuration", admin, public, schema, clock, smtp, crm, identities} {
				found := of(findings, check)
				if len(found) != 1 {
					t.Fatalf("%s: %+v", check, found)
				}
				f := found[0]
				switch {
				case check == c.check:
					if f.Verdict != c.verdict || !strings.Contains(f.Message+"; "+f.Advice, c.text) {
						t.Errorf("got %+v", f)
					}
				case f.Verdict != verdictOK && !slices.Contains(c.also, check):
					t.Errorf("also: %+v", f)
				}
				if (f.Verdict == verdictOK) != (f.Advice == "") && check != identities {
					t.Errorf("what is to be done? %+v", f)
				}
			}
		})
	}
	if n := len(hook.got); n != 0 {
		t.Errorf("the hook was told %d events", n)
	}
	if n := len(box.Letters); n != 0 {
		t.Errorf("%d emails were sent", n)
	}
}

// closedAddress refuses connections.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestDoctorEnds: who never answers is given up in time, each check for itself.
func TestDoctorEnds(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mute := l.Addr().String() // the system takes connections, and nobody looks at them
	var out bytes.Buffer
	begin := time.Now()
	code := run(t.Context(), []string{"doctor", "--dev", "--format", "json", "--timeout", "300ms", "-e", "http://" + mute}, []string{
		"INVITEBRIDGE_KRATOS_ADMIN_URL=http://" + mute, "INVITEBRIDGE_KRATOS_PUBLIC_URL=http://" + mute, envAPIKey + "=a-key",
		"INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI=smtp://" + mute, "INVITEBRIDGE_COURIER_SMTP_FROM_ADDRESS=a@example.com",
		"INVITEBRIDGE_HOOKS=[{id: crm, url: 'https://" + mute + "', events: [invitation_revoked]}]",
	}, stdio{&out, io.Discard})
	var findings []finding
	if err := json.Unmarshal(out.Bytes(), &findings); err != nil || code != exitFailed || len(findings) != 11 {
		t.Errorf("exit code %d, %v:\n%s", code, err, &out)
	}
	for _, f := range findings[2:] { // what follows is of the network
		if f.Verdict == verdictOK {
			t.Errorf("got %+v", f)
		}
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}
