package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"invitebridge/cmd/demo/selfservice"
	"invitebridge/kratos/kratostest"
)

// TestDoctorRecovery: doctor, and serve as far as it can, say why invitees who accept
// without a password could not continue at Kratos. Neither leaves anything behind.
func TestDoctorRecovery(t *testing.T) {
	kratostest.SkipIfShort(t)
	const pages = "http://127.0.0.1:1"
	start := func(change string) *kratostest.Server {
		s, err := kratostest.Start(t.Context(), kratostest.Options{
			BcryptCost: 4, Config: strings.Replace(selfservice.Configuration(pages, "smtp://127.0.0.1:1"), "methods:", "methods:"+change, 1),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Stop() })
		return s
	}
	good, disabled := start(""), start("\n    code: { enabled: false }")
	for name, c := range map[string]struct {
		kratos             *kratostest.Server
		settings, returnTo string
		verdict, text      string
		log                string // of serve; empty: nothing about it
	}{
		"as it should be":         {good, pages, "", verdictOK, "leads to Kratos' settings page", ""},
		"the code is to be typed": {good, "", "", verdictWarning, pages + "/settings", "have to type a code"},
		"another settings page":   {good, "http://127.0.0.1:2", "", verdictProblem, pages, ""},
		"the return URL":          {good, pages, "https://elsewhere.example.com/", verdictProblem, "allowed_return_urls", "allowed_return_urls"},
		"no codes":                {disabled, pages, "", verdictProblem, "enable selfservice.methods.code", "enable selfservice.methods.code"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := "invitation: { accept_with: [ kratos ], return_to: '" + c.returnTo + "' }"
			if c.settings != "" {
				lines += "\nselfservice: { flows: { settings: { ui_url: " + c.settings + "/settings } } }"
			}
			file := t.TempDir() + "/doctor.yml"
			write(t, file, "kratos: { public_url: "+c.kratos.PublicURL+", admin_url: "+c.kratos.AdminURL+" }\n"+lines)
			var out bytes.Buffer
			run(t.Context(), []string{"doctor", "--dev", "-c", file, "--format", "json"}, nil, stdio{out: &out, err: io.Discard})
			var findings []finding
			if err := json.Unmarshal(out.Bytes(), &findings); err != nil {
				t.Fatal(err, &out)
			}
			at := slices.IndexFunc(findings, func(f finding) bool { return f.Check == "recovery" })
			if at < 0 || findings[at].Verdict != c.verdict || !strings.Contains(findings[at].Message+findings[at].Advice, c.text) {
				t.Errorf("got %s", &out)
			}
			if left := identitiesOf(t, c.kratos); left != "[]" {
				t.Errorf("it left %s", left)
			}
			b := startBridge(t, c.kratos, lines)
			b.stop()
			const about = "accept with kratos"
			if log := b.log.String(); c.log == "" && strings.Contains(log, about) || !strings.Contains(log, c.log) {
				t.Errorf("the log of serve:\n%s", log)
			}
			if left := identitiesOf(t, c.kratos); left != "[]" {
				t.Errorf("serve left %s", left)
			}
		})
	}
}

func identitiesOf(t *testing.T, kratos *kratostest.Server) string {
	t.Helper()
	res, err := http.Get(kratos.AdminURL + "/admin/identities")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
