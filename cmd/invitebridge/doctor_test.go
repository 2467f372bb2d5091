package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// examinedBridge is a bridge that the doctor command checks.
type examinedBridge struct {
	*running
	environ []string
}

func newExaminedBridge(b *running) examinedBridge {
	return examinedBridge{b, []string{envAdminURL + "=" + b.admin, envAPIKey + "=" + key}}
}

// doctor runs the doctor command with additional environment variables and
// returns the findings. It fails if a secret was printed.
func (p examinedBridge) doctor(environ []string, args ...string) (code int, findings []finding, errs string) {
	p.t.Helper()
	args = append([]string{"doctor", "--format", "json", "-c", filepath.Join(filepath.Dir(p.store), "invitebridge.yml")}, args...)
	if p.extra != "" {
		args = append(args, "-c", p.extra)
	}
	var out, stderr bytes.Buffer
	code = run(p.t.Context(), args, append(slices.Clone(p.environ), environ...), stdio{out: &out, err: &stderr})
	for _, secret := range []string{key, mailtest.Password, hookSecret, "CANARY"} {
		if strings.Contains(out.String()+stderr.String(), secret) {
			p.t.Errorf("%s was printed:\n%s%s", secret, &out, &stderr)
		}
	}
	if code != exitUsage {
		decode(p.t, out.String(), &findings)
	}
	return code, findings, stderr.String()
}

// findingsOf returns the findings of a check.
func findingsOf(findings []finding, check string) (found []finding) {
	for _, f := range findings {
		if f.Check == check {
			found = append(found, f)
		}
	}
	return found
}

// proxyTo starts a proxy to an address. refuse may answer a request with a status
// other than 0, and change may edit responses; both may be nil.
func proxyTo(t *testing.T, address string, refuse func(*http.Request) int, change func(h http.Header, body []byte) []byte) string {
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

// clockAhead edits responses so that the server's clock is ahead by d.
func clockAhead(d time.Duration) func(http.Header, []byte) []byte {
	return func(h http.Header, body []byte) []byte {
		h.Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat))
		return body
	}
}

// verifiable matches the part of a schema that makes a trait verifiable. Kratos
// v1.3.1 serves the file unchanged, newer versions without white space.
var verifiable = regexp.MustCompile(`"verification"\s*:\s*\{\s*"via"\s*:\s*"email"\s*\}\s*,`)

// unverifiable removes it from responses.
func unverifiable(_ http.Header, body []byte) []byte { return verifiable.ReplaceAll(body, nil) }

// TestDoctor: in a valid installation all checks pass. Each fault is reported by
// its own check only, and does not prevent the other checks.
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
	p := newExaminedBridge(b)
	closed := closedAddress(t)
	guard := proxyTo(t, kratos.AdminURL, func(r *http.Request) int {
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
	endless := proxyTo(t, kratos.AdminURL, func(r *http.Request) int {
		if r.URL.Query().Get("page_size") == "100" { // only the doctor's list of identities
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
		also    []string // other checks that the same fault affects
		args    []string
	}{
		{name: "valid", check: "configuration", verdict: verdictOK},
		{name: "the admin API", check: admin, verdict: verdictOK, text: "the bridge has access"},
		{name: "not running", environ: []string{adminURL + closed}, check: admin, verdict: verdictProblem, text: "refused", also: []string{clock, identities}},
		{name: "the public API for the admin's", environ: []string{adminURL + kratos.PublicURL}, check: admin, verdict: verdictProblem, text: "4434", also: []string{clock, identities}},
		{name: "the token", environ: []string{adminURL + guard, "INVITEBRIDGE_KRATOS_ADMIN_TOKEN=CANARY-good"}, check: admin, verdict: verdictOK},
		{name: "another token", environ: []string{adminURL + guard, "INVITEBRIDGE_KRATOS_ADMIN_TOKEN=CANARY-bad"}, check: admin, verdict: verdictProblem, text: "kratos.admin_token", also: []string{identities}},
		{name: "the public API", check: public, verdict: verdictOK},
		{name: "not running", environ: []string{publicURL + closed}, check: public, verdict: verdictProblem, text: "refused", also: []string{schema, identities}},
		{name: "the admin API for the public one", environ: []string{publicURL + kratos.AdminURL}, check: public, verdict: verdictProblem, text: "block its /admin", also: []string{schema, identities}},
		{name: "another server", environ: []string{publicURL + other.URL}, check: public, verdict: verdictProblem, text: "4433", also: []string{schema, identities}},
		{name: "the schema", check: schema, verdict: verdictOK, text: "can be verified"},
		{name: "no such schema", environ: []string{"INVITEBRIDGE_KRATOS_SCHEMA_ID=none"}, check: schema, verdict: verdictProblem, text: "default, customer"},
		{name: "no such trait", environ: []string{trait + "mail"}, check: schema, verdict: verdictProblem, text: "no trait mail"},
		{name: "a trait that is not an identifier", environ: []string{trait + "name.first"}, check: schema, verdict: verdictProblem, text: "neither a password identifier"},
		{name: "a trait that cannot be verified", environ: []string{publicURL + proxyTo(t, kratos.PublicURL, nil, unverifiable)}, check: schema, verdict: verdictWarning, text: "cannot be verified"},
		{name: "schemas are hidden", environ: []string{publicURL + proxyTo(t, kratos.PublicURL, func(r *http.Request) int {
			if strings.HasPrefix(r.URL.Path, "/schemas/") {
				return http.StatusNotFound
			}
			return 0
		}, nil)}, check: schema, verdict: verdictWarning, text: "check manually", also: []string{identities}},
		{name: "the clock", check: clock, verdict: verdictOK},
		{name: "a little ahead", environ: []string{adminURL + proxyTo(t, kratos.AdminURL, nil, clockAhead(30*time.Second))}, check: clock, verdict: verdictWarning, text: "ahead"},
		{name: "far behind", environ: []string{adminURL + proxyTo(t, kratos.AdminURL, nil, clockAhead(-2*time.Minute))}, check: clock, verdict: verdictProblem, text: "behind"},
		{name: "no time", environ: []string{adminURL + proxyTo(t, kratos.AdminURL, nil, func(h http.Header, body []byte) []byte { h.Set("Date", ""); return body })}, check: clock, verdict: verdictWarning, text: "by hand"},
		{name: "the mail server", check: smtp, verdict: verdictOK, text: "would accept emails"},
		{name: "no mail server", environ: []string{mailURI}, check: smtp, verdict: verdictOK, text: "no email is sent"},
		{name: "another password", environ: []string{mailURI + strings.Replace(box.URI(), mailtest.Password, "CANARY", 1)}, check: smtp, verdict: verdictProblem, text: "AUTH: the server replied 535"},
		{name: "no STARTTLS", environ: []string{mailURI + strings.TrimSuffix(box.URI(), "?disable_starttls=true")}, check: smtp, verdict: verdictProblem, text: "offers no STARTTLS"},
		{name: "not running", environ: []string{mailURI + "smtp://u:CANARY@" + strings.TrimPrefix(closed, "http://")}, check: smtp, verdict: verdictProblem, text: "connect: the connection was refused"},
		{name: "a hook", check: crm, verdict: verdictOK},
		{name: "not running", environ: []string{hooks(closed)}, check: crm, verdict: verdictProblem, text: "the connection was refused"},
		{name: "no trust", environ: []string{hooks(secured.URL)}, check: crm, verdict: verdictProblem, text: "unknown authority"},
		{name: "a private address", environ: []string{"INVITEBRIDGE_CLIENTS_HTTP_DISALLOW_PRIVATE_IP_RANGES=true"}, check: crm, verdict: verdictProblem, text: "disallow_private_ip_ranges"},
		{name: "identities", check: identities, verdict: verdictOK, text: "have the bridge's metadata"},
		{name: "no key", environ: []string{envAPIKey + "="}, check: identities, verdict: verdictWarning, text: "no API key is given"},
		{name: "another bridge's key", environ: []string{envAPIKey + "=CANARY"}, check: identities, verdict: verdictWarning, text: "is not in this configuration's"},
		{name: "a key that the bridge does not accept", environ: []string{envAPIKey + "=CANARY-of-16-letters", "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: new, key: CANARY-of-16-letters}]"}, check: identities, verdict: verdictWarning, text: "unauthorized"},
		{name: "no bridge", environ: []string{envAdminURL + "=" + closed}, check: identities, verdict: verdictWarning, text: "check that the bridge is running"},
		{name: "--fix and no key", environ: []string{envAPIKey + "="}, check: identities, verdict: verdictProblem, text: "no API key is given", args: fix},
		{name: "--fix with another bridge's key", environ: []string{envAPIKey + "=CANARY"}, check: identities, verdict: verdictProblem, text: "is not in this configuration's", args: fix},
		{name: "--fix with a key that the bridge does not accept", environ: []string{envAPIKey + "=CANARY-of-16-letters", "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: new, key: CANARY-of-16-letters}]"}, check: identities, verdict: verdictProblem, text: "unauthorized", args: fix},
		{name: "--fix and no bridge", environ: []string{envAdminURL + "=" + closed}, check: identities, verdict: verdictProblem, text: "check that the bridge is running", args: fix},
		{name: "a long list", environ: []string{adminURL + endless}, check: identities, verdict: verdictWarning, text: "timed out", args: brief},
		{name: "--fix with a long list", environ: []string{adminURL + endless}, check: identities, verdict: verdictProblem, text: "timed out", args: append(fix, brief...)},
		{name: "--fix with nothing to delete", check: identities, verdict: verdictOK, text: "have the bridge's metadata", args: fix},
	} {
		t.Run(c.check+"/"+c.name, func(t *testing.T) {
			code, findings, errs := p.doctor(c.environ, c.args...)
			if want := map[bool]int{true: exitFailed}[c.verdict == verdictProblem]; code != want || (code == exitOK) != (errs == "") {
				t.Errorf("exit code %d, want %d; %s", code, want, errs)
			}
			for _, check := range []string{"configuration", admin, public, schema, clock, smtp, crm, identities} {
				found := findingsOf(findings, check)
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
					t.Errorf("advice is missing or unnecessary: %+v", f)
				}
			}
		})
	}
	if n := len(hook.got); n != 0 {
		t.Errorf("the hook received %d events", n)
	}
	if n := len(box.Emails); n != 0 {
		t.Errorf("%d emails were sent", n)
	}
}

// closedAddress returns an address that refuses connections.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestDoctorTimeout: each check times out by itself if a server never responds.
func TestDoctorTimeout(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mute := l.Addr().String() // connections are queued but never accepted
	var hooks []string
	for i := range 12 { // with the default timeout, the checks together take longer than testenv.Limit
		hooks = append(hooks, fmt.Sprintf("{id: crm%d, url: 'https://%s', events: [invitation_revoked]}", i, mute))
	}
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Limit)
	defer cancel()
	var out bytes.Buffer
	code := run(ctx, []string{"doctor", "--dev", "--format", "json", "--timeout", "300ms", "-e", "http://" + mute}, []string{
		"INVITEBRIDGE_KRATOS_ADMIN_URL=http://" + mute, "INVITEBRIDGE_KRATOS_PUBLIC_URL=http://" + mute, envAPIKey + "=a-key",
		"INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI=smtp://" + mute, "INVITEBRIDGE_COURIER_SMTP_FROM_ADDRESS=a@example.com",
		"INVITEBRIDGE_HOOKS=[" + strings.Join(hooks, ",") + "]",
	}, stdio{out: &out, err: io.Discard})
	if ctx.Err() != nil {
		t.Error("the checks did not end by themselves")
	}
	var findings []finding
	if err := json.Unmarshal(out.Bytes(), &findings); err != nil || code != exitFailed || len(findings) != 10+len(hooks) {
		t.Errorf("exit code %d, %v:\n%s", code, err, &out)
	}
	for _, f := range findings[2:] { // the rest needs the network
		if f.Verdict == verdictOK {
			t.Errorf("got %+v", f)
		}
	}
}
