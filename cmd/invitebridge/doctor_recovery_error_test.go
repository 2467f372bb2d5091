package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"invitebridge/cmd/demo/selfservice"
	"invitebridge/kratos/kratostest"
)

// TestDoctorRecovery_error: a code that leads to the error page of the same site is a
// problem.
func TestDoctorRecovery_error(t *testing.T) {
	kratostest.SkipIfShort(t)
	const pages = "http://127.0.0.1:1"
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refusing.Close)
	hook := "recovery: { after: { hooks: [ { hook: web_hook, config: { url: \"" + refusing.URL + "\", method: POST, body: \"base64://ZnVuY3Rpb24oY3R4KSB7fQ==\", can_interrupt: false } } ] },"
	s, err := kratostest.Start(t.Context(), kratostest.Options{
		BcryptCost: 4, Config: strings.Replace(selfservice.Configuration(pages, "smtp://127.0.0.1:1"), "recovery: {", hook, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	file := t.TempDir() + "/doctor.yml"
	write(t, file, "kratos: { public_url: "+s.PublicURL+", admin_url: "+s.AdminURL+" }\n"+
		"invitation: { accept_with: [ kratos ] }\nselfservice: { flows: { settings: { ui_url: "+pages+"/settings } } }")
	var out bytes.Buffer
	run(t.Context(), []string{"doctor", "--dev", "-c", file, "--format", "json"}, nil, stdio{out: &out, err: io.Discard})
	var findings []finding
	if err := json.Unmarshal(out.Bytes(), &findings); err != nil {
		t.Fatal(err, &out)
	}
	at := slices.IndexFunc(findings, func(f finding) bool { return f.Check == "recovery" })
	if at < 0 || findings[at].Verdict != verdictProblem {
		t.Errorf("got %+v", findings[max(at, 0)])
	}
}
