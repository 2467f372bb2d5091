package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"invitebridge/kratos/kratostest"
)

const mineGuide = "docs/inviters.md"

// example returns the first code block of the guide in a language that contains a text,
// with replacements, given as pairs of old and new text.
func example(t *testing.T, language, having string, replacements ...string) string {
	t.Helper()
	page, err := os.ReadFile("../../" + mineGuide)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(block[1], having) {
			continue
		}
		for i := 0; i < len(replacements); i += 2 {
			if !strings.Contains(block[1], replacements[i]) {
				t.Fatalf("the example does not contain %q:\n%s", replacements[i], block[1])
			}
		}
		return strings.NewReplacer(replacements...).Replace(block[1])
	}
	t.Fatalf("%s has no example in %s with %q", mineGuide, language, having)
	return ""
}

// types runs commands of the guide and returns what they print.
func types(t *testing.T, commands string, environ ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands)
	cmd.Env = append(os.Environ(), environ...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s\n%v\n%s%s", commands, err, out, stderr.Bytes())
	}
	return string(out)
}

// TestMineGuide follows the guide for members who invite, with a real Kratos that has the
// configuration of cookies which the guide shows.
func TestMineGuide(t *testing.T) {
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{Config: example(t, "yaml", "cookies:")})
	t.Run("native app", func(t *testing.T) { nativeGuide(t, kratos) })
	t.Run("browser", func(t *testing.T) { browserGuide(t, kratos) })
	t.Run("keto", func(t *testing.T) { ketoGuide(t, kratos) })
}

func nativeGuide(t *testing.T, kratos *kratostest.Server) {
	b := startBridge(t, kratos, example(t, "yaml", "name_trait:"), "invitation: { cooldown: 1ns }") // the guide resends at once
	member, email, session := signUp(t, kratos, "none")
	mine := b.public + base + "/mine"
	if a := b.call(http.MethodGet, mine, nil, "X-Session-Token", session); a.status != http.StatusForbidden {
		t.Errorf("before: %d %s", a.status, a.text)
	}
	environ := []string{"MEMBER=" + member.String(), "EMAIL=" + email, "PASSWORD=" + password}
	types(t, example(t, "sh", "metadata_public", "http://127.0.0.1:4434", kratos.AdminURL), environ...)
	out := types(t, example(t, "sh", "/resend", "http://127.0.0.1:4433", kratos.PublicURL, "http://127.0.0.1:4488", b.public), environ...)
	by := `"created_by":{"kind":"session","id":"` + member.String() + `"}`
	if strings.Count(out, by) != 5 || strings.Count(out, `"inviter_name":"Grace"`) != 5 || !strings.HasSuffix(strings.TrimSpace(out), "}") || strings.Count(out, `"state":"revoked"`) != 1 {
		t.Errorf("it prints %s", out)
	}
	if a := b.call(http.MethodGet, b.admin+base+"/?created_by=session:"+member.String(), nil, "Authorization", "Bearer "+key); !strings.Contains(a.text, by) {
		t.Errorf("by its creator: %d %s", a.status, a.text)
	}
}

// browserLogin signs in as a browser does, and returns the session cookie as Kratos sets
// it. The cookie is of a domain that no test server has, so no jar would keep it.
func browserLogin(t *testing.T, kratos *kratostest.Server, email string) *http.Cookie {
	t.Helper()
	exchange := func(method, url, body string, cookies []*http.Cookie) ([]*http.Cookie, []byte) {
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Content-Type", "application/json")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.Cookies(), text
	}
	cookies, text := exchange(http.MethodGet, kratos.PublicURL+"/self-service/login/browser", "", nil)
	var flow struct {
		UI struct {
			Action string
			Nodes  []struct{ Attributes struct{ Name, Value any } }
		}
	}
	if err := json.Unmarshal(text, &flow); err != nil {
		t.Fatal(err)
	}
	form := object{"method": "password", "identifier": email, "password": password}
	for _, n := range flow.UI.Nodes {
		if n.Attributes.Name == "csrf_token" {
			form["csrf_token"] = n.Attributes.Value
		}
	}
	body, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	cookies, text = exchange(http.MethodPost, flow.UI.Action, string(body), cookies)
	at := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == kratostest.SessionCookie })
	if at < 0 {
		t.Fatalf("%s", text)
	}
	return cookies[at]
}

func ketoGuide(t *testing.T, kratos *kratostest.Server) {
	k := newKeto(t)
	template := filepath.Join(t.TempDir(), "keto.jsonnet")
	write(t, template, example(t, "jsonnet", "subject_id"))
	b := startBridge(t, kratos, example(t, "yaml", "id: keto", "http://keto:4466", k.URL, "/etc/invitebridge/keto.jsonnet", template))
	member, _, session := signUp(t, kratos, "none")
	mine := b.public + base + "/mine"
	check := func(when string, status int, id string) {
		t.Helper()
		a := b.call(http.MethodPost, mine, object{"email": strings.ReplaceAll(when, " ", ".") + "@example.com"}, "X-Session-Token", session)
		if a.status != status || a.errorID() != id {
			t.Errorf("%s: %d %s, want %d %s", when, a.status, a.text, status, id)
		}
	}
	check("without a relationship", http.StatusForbidden, "forbidden")
	types(t, example(t, "sh", "relation-tuples", "http://keto:4467", k.URL), "MEMBER="+member.String())
	check("with it", http.StatusCreated, "")
	k.forget()
	check("after its end", http.StatusForbidden, "forbidden")
	k.Close()
	check("without Keto", http.StatusServiceUnavailable, "hook_unavailable")
}
