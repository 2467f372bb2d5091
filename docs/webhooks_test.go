package docs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

const (
	webhooksPage = "webhooks.md"
	hookSecret   = "whsec_YW4gZXhhbXBsZSBvZiB0aGUgZG9jdW1lbnRhdGlvbiE="
	otherSecret  = "whsec_YW5vdGhlciBvbmUgd2hpbGUgaXQgaXMgcmVwbGFjZWQ="
)

// snippets returns the page's code blocks in a language.
func snippets(t *testing.T, language string) (found []string) {
	t.Helper()
	page := replaced(t, webhooksPage)
	for _, s := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(page, -1) {
		found = append(found, s[1])
	}
	if len(found) == 0 {
		t.Fatalf("%s has no code block in %s", webhooksPage, language)
	}
	return found
}

// TestSampleBodies: the page shows the body of every event as it is sent.
func TestSampleBodies(t *testing.T) {
	page := replaced(t, webhooksPage)
	for _, event := range bridge.Events() {
		golden, err := os.ReadFile(filepath.Join("..", "bridge", "webhook", "testdata", string(event)+".json"))
		if err != nil {
			t.Fatal(err)
		}
		_, section, ok := strings.Cut(page, "### `"+string(event)+"`\n")
		section, _, _ = strings.Cut(section, "\n##")
		if !ok || !strings.Contains(section, "```json\n"+string(golden)+"```\n") {
			t.Errorf("%s: the page does not show testdata/%s.json", event, event)
		}
	}
}

// verification is one request as a receiver sees it.
type verification struct {
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	want    bool
}

// verifications returns a request that the bridge sent, signed with two secrets, and
// valid and forged variations of it.
func verifications(t *testing.T) map[string]verification {
	t.Helper()
	headers, body := received(t, webhook.Hook{Secrets: []string{otherSecret, hookSecret}})
	changed := func(want bool, change func(v *verification)) verification {
		v := verification{Secret: hookSecret, Headers: map[string]string{}, Body: body, want: want}
		for name := range headers {
			v.Headers[strings.ToLower(name)] = headers.Get(name)
		}
		change(&v)
		return v
	}
	set := func(name, value string) func(*verification) { return func(v *verification) { v.Headers[name] = value } }
	const signature, timestamp = "webhook-signature", "webhook-timestamp"
	signatures := strings.Fields(headers.Get(signature))
	at := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	return map[string]verification{
		"as sent":                changed(true, func(*verification) {}),
		"with the other secret":  changed(true, func(v *verification) { v.Secret = otherSecret }),
		"one signature":          changed(true, set(signature, signatures[1])),
		"beside a later version": changed(true, set(signature, "v2,x "+signatures[1])),
		"an unknown secret":      changed(false, func(v *verification) { v.Secret = "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)) }),
		"another's signature":    changed(false, set(signature, signatures[0])),
		"no signature":           changed(false, func(v *verification) { delete(v.Headers, signature) }),
		"an empty signature":     changed(false, set(signature, "")),
		"no version":             changed(false, set(signature, strings.TrimPrefix(signatures[1], "v1,"))),
		"another body":           changed(false, func(v *verification) { v.Body = strings.Replace(v.Body, "ada@", "eve@", 1) }),
		"another id":             changed(false, set("webhook-id", uuid.NewString())),
		"another time":           changed(false, set(timestamp, at(-time.Minute))),
		"no time":                changed(false, func(v *verification) { delete(v.Headers, timestamp) }),
		"no number":              changed(false, set(timestamp, "now")),
		"sent long ago":          old(t, -6*time.Minute),
		"sent in the future":     old(t, 6*time.Minute),
	}
}

// old returns a request with a valid signature but an old or future timestamp.
func old(t *testing.T, ago time.Duration) verification {
	t.Helper()
	v := verification{Secret: hookSecret, Headers: map[string]string{}}
	headers, body := receivedAt(t, webhook.Hook{Secrets: []string{hookSecret}}, time.Now().Add(ago))
	for name := range headers {
		v.Headers[strings.ToLower(name)] = headers.Get(name)
	}
	v.Body = body
	return v
}

// received sends an event with the bridge's own code and returns the request that
// arrives.
func received(t *testing.T, hook webhook.Hook) (http.Header, string) {
	t.Helper()
	return receivedAt(t, hook, time.Now())
}

func receivedAt(t *testing.T, hook webhook.Hook, at time.Time) (header http.Header, body string) {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		header, body = r.Header, string(text)
	}))
	defer receiver.Close()
	hook.ID, hook.URL, hook.Events = "crm", receiver.URL, []bridge.Event{bridge.EventTokenCreated}
	hooks, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{hook}})
	if err != nil {
		t.Fatal(err)
	}
	defer hooks.Close()
	payload := bridge.Payload{Type: bridge.EventTokenCreated, Timestamp: at, Data: bridge.PayloadData{
		Invitation: bridge.InvitationView{Email: "ada@example.com", InviterName: "Zoë \u2028 <z>"}, Link: "https://join.example.com/invite/x?a=1&b=2",
	}}
	result := hooks.Send(t.Context(), bridge.Dispatch{MessageID: uuid.New(), Endpoint: "crm", Attempt: 1, At: at, Payload: payload})
	if result.Outcome != bridge.AttemptSent {
		t.Fatalf("got %+v", result)
	}
	return header, body
}

// The programs around the snippets. They read verifications from standard input and
// print a JSON list of the results.
var programs = map[string]struct {
	tool, snippet, main, program string
	args                         []string
}{
	"go": {tool: "go", snippet: "verify.go", main: "main.go", args: []string{"run", "."}, program: `package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
)

// accepted sends a request twice. It reports whether the receiver accepts both and
// processes one.
func accepted(secret, body string, header http.Header) bool {
	accepted, processed := 0, 0
	receiver := &Receiver{Secrets: []string{"whsec_", secret}, Process: func([]byte) error { processed++; return nil }}
	for i := 0; i < 2; i++ {
		r, w := httptest.NewRequest("POST", "/", strings.NewReader(body)), httptest.NewRecorder()
		r.Header = header
		if receiver.ServeHTTP(w, r); w.Code == http.StatusNoContent {
			accepted++
		}
	}
	return accepted == 2 && processed == 1
}

func main() {
	var cases []struct {
		Secret, Body string
		Headers      map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	var results []bool
	for _, c := range cases {
		header := make(http.Header)
		for name, value := range c.Headers {
			header.Set(name, value)
		}
		verified := Verify(c.Secret, header, []byte(c.Body)) == nil
		if accepted(c.Secret, c.Body, header) != verified {
			panic("Receiver and Verify differ")
		}
		results = append(results, verified)
	}
	_ = json.NewEncoder(os.Stdout).Encode(results)
}
`},
	"js": {tool: "node", snippet: "verify.mjs", main: "main.mjs", args: []string{"main.mjs"}, program: `import { readFileSync } from "node:fs";
import { verify } from "./verify.mjs";
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map((c) => verify(c.secret, c.headers, Buffer.from(c.body)))));
`},
	"python": {tool: "python3", snippet: "verify.py", main: "main.py", args: []string{"main.py"}, program: `import json, sys
from verify import verify
print(json.dumps([verify(c["secret"], c["headers"], c["body"].encode()) for c in json.load(sys.stdin)]))
`},
}

// TestVerification runs the page's verification code in each language, and its
// receiver in Go.
func TestVerification(t *testing.T) {
	var names []string
	var cases []verification
	for name, v := range verifications(t) {
		names, cases = append(names, name), append(cases, v)
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	for language, p := range programs {
		t.Run(language, func(t *testing.T) {
			dir, found := t.TempDir(), snippets(t, language)
			write(t, filepath.Join(dir, p.snippet), strings.Replace(found[0], "package receiver", "package main", 1))
			if language == "go" {
				write(t, filepath.Join(dir, "receiver.go"), strings.Replace(found[1], "package receiver", "package main", 1))
			}
			write(t, filepath.Join(dir, p.main), p.program)
			write(t, filepath.Join(dir, "go.mod"), "module receiver\n\ngo 1.21\n")
			command := exec.CommandContext(t.Context(), tool(t, p.tool), p.args...)
			command.Dir, command.Stdin = dir, bytes.NewReader(input)
			command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "PYTHONDONTWRITEBYTECODE=1")
			var out, errs bytes.Buffer
			command.Stdout, command.Stderr = &out, &errs
			if err := command.Run(); err != nil {
				t.Fatalf("%v\n%s", err, &errs)
			}
			var results []bool
			if err := json.Unmarshal(out.Bytes(), &results); err != nil || len(results) != len(cases) {
				t.Fatalf("%v\n%s", err, &out)
			}
			for i, got := range results {
				if got != cases[i].want {
					t.Errorf("%s: got %v", names[i], got)
				}
			}
		})
	}
}

// TestJsonnetBody: the page's Jsonnet is accepted for every event, and produces the
// expected body.
func TestJsonnetBody(t *testing.T) {
	for _, template := range snippets(t, "jsonnet") {
		hook := webhook.Hook{Body: "base64://" + base64.StdEncoding.EncodeToString([]byte(template))}
		_, body := received(t, hook)
		want := `{"by":"Zoë \u2028 <z>","link":"https://join.example.com/invite/x?a=1&b=2","text":"Invitation of ada@example.com: invitation_token_created"}`
		if strings.ReplaceAll(body, "\u2028", `\u2028`) != want {
			t.Errorf("got  %s\nwant %s", body, want)
		}
		var after, before []bridge.Event
		for _, event := range bridge.Events() {
			if event.Blocking() {
				before = append(before, event)
			} else {
				after = append(after, event)
			}
		}
		hooks, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{
			{ID: "crm", URL: "https://crm.example.com", Events: after, Body: hook.Body},
			{ID: "seats", URL: "https://seats.example.com", Events: before, Body: hook.Body, CanInterrupt: true},
		}})
		if err != nil {
			t.Fatal(err)
		}
		hooks.Close()
	}
}

// TestHooksConfiguration: the page's configuration is valid.
func TestHooksConfiguration(t *testing.T) {
	shown := strings.ReplaceAll(snippets(t, "yaml")[0], "whsec_…", hookSecret)
	file := write(t, filepath.Join(t.TempDir(), "invitebridge.yml"), shown+"dsn: bolt://"+filepath.Join(t.TempDir(), "invites.db")+"\nserve: { admin: { api_keys: [ { name: docs, key: an-example-key-of-the-page } ] } }\n")
	if out, err := exec.CommandContext(t.Context(), build(t), "config", "check", "-c", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
