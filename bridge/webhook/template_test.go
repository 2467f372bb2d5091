package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
	"invitebridge/bridge/webhook"
)

func TestTemplates(t *testing.T) {
	for name, c := range map[string]struct{ template, want string }{
		"fields": {
			`function(ctx) { who: ctx.data.invitation.email, link: ctx.data.invitation_link }`,
			`{"link":"https://invite.example.com/accept?token=AZjA3gAAcACAAAAAAAAABA&locale=en","who":"grace@example.com"}`,
		},
		"what may be absent":      {`function(ctx) std.get(ctx.data, "message", "none")`, `"none"`},
		"the whole":               {`function(ctx) ctx.data.invitation.inviter_name`, `"Ada <ada> & ` + "\u2028" + ` \"co\""`},
		"locals before it":        {`local greet(name) = "Hi " + name; local x = 1; function(ctx) [greet(ctx.type), x]`, `["Hi invitation_token_created",1]`},
		"a default beside it":     {`function(ctx, n=3) n`, `3`},
		"objects and inheritance": {`local base = { a: 1, b: self.a + 1, f(x):: x * $.a }; function(ctx) (base { a: super.a + 1, c: self.f(3) })`, `{"a":2,"b":3,"c":6}`},
		"comprehensions": {
			`function(ctx) { [k]: std.length(ctx.type) + v for k in ["x", "y"] for v in [1] } + { l: [i * i for i in std.range(1, 3) if i != 2] }`,
			`{"l":[1,9],"x":25,"y":25}`,
		},
		"recursion":       {`local sum(n) = if n == 0 then 0 else n + sum(n - 1); function(ctx) sum(100)`, `5050`},
		"library":         {`function(ctx) std.foldl(function(a, b) a + b, std.map(function(x) x * 2, [1, 2]), 0)`, `6`},
		"object assert":   {`function(ctx) { assert self.a > 0 : "positive", a: 1 }`, `{"a":1}`},
		"std redefined":   {`local std = 1; function(ctx) std`, `1`},
		"function values": {`local twice(f) = function(x) f(f(x)); function(ctx) twice(function(x) x + 1)(1)`, `3`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, status(http.StatusOK))
			w := newWebhooks(t, r.URL, func(h *webhook.Hook) { h.Body, h.Secrets = inline(later(c.template)), []string{secret("a")} })
			if result := w.Send(t.Context(), dispatch(bridge.EventTokenCreated)); result.Outcome != bridge.AttemptSent {
				t.Fatalf("got %+v", result)
			}
			if got := string(r.got()[0].body); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if err := verify(t, secret("a"), r.got()[0]); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTemplateFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "body.jsonnet")
	if err := os.WriteFile(path, []byte(`function(ctx) { type: ctx.type }`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t, status(http.StatusOK))
	w := newWebhooks(t, r.URL, func(h *webhook.Hook) { h.Body = "file://" + path })
	// The template is compiled; the file is no longer needed.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.Send(t.Context(), dispatch(bridge.EventTokenCreated))
	if got := string(r.got()[0].body); got != `{"type":"invitation_token_created"}` {
		t.Errorf("got %s", got)
	}
}

func TestFailingTemplates(t *testing.T) {
	const tail = `local loop(n) = loop(n + 1) tailstrict; function(ctx) loop(0)`
	const double = `local double(s, n) = if n == 0 then s else double(s + s, n - 1); function(ctx) double`
	for name, c := range map[string]struct {
		template string
		want     bridge.AttemptOutcome
		detail   string
	}{
		"missing field":        {"function(ctx)\n  ctx.data.nothing", bridge.AttemptFailed, "the body template failed at line 2: it reads a field that does not exist"},
		"raises what it got":   {`function(ctx) error ctx.data.invitation_token`, bridge.AttemptFailed, "the body template failed at line 1"},
		"endless tail calls":   {tail, bridge.AttemptFailed, "called too many functions"},
		"endless recursion":    {`local f(n) = 1 + f(n); function(ctx) f(0)`, bridge.AttemptFailed, "the body template failed"},
		"endless object":       {`function(ctx) { a: self }`, bridge.AttemptFailed, "the body template failed"},
		"exponential":          {`local fib(n) = if n < 2 then n else fib(n - 1) + fib(n - 2); function(ctx) fib(60)`, bridge.AttemptFailed, "called too many functions"},
		"huge output":          {double + `("0123456789abcdef", 15)`, bridge.AttemptFailed, "more than 256 KiB"},
		"not JSON":             {`function(ctx) function(x) x`, bridge.AttemptFailed, "the body template failed"},
		"environment":          {`function(ctx) std.extVar("HOME")`, bridge.AttemptFailed, "the body template failed"},
		"cancel":               {`function(ctx) if ctx.type == "x" then {} else error "cancel"`, bridge.AttemptSent, "canceled"},
		"cancel among others":  {`function(ctx) error "please cancel"`, bridge.AttemptFailed, "the body template failed"},
		"says RUNTIME ERROR":   {`function(ctx) error "RUNTIME ERROR: cancel"`, bridge.AttemptFailed, "the body template failed"},
		"just short of a body": {double + `("0123456789abcde", 14)`, bridge.AttemptSent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, status(http.StatusOK))
			w := newWebhooks(t, r.URL, func(h *webhook.Hook) { h.Body = inline(later(c.template)) })
			var result bridge.SendResult
			// On a busy machine the time limit may be reached before that of calls.
			for begun := time.Now(); time.Since(begun) < testenv.Limit; {
				result = w.Send(t.Context(), dispatch(bridge.EventTokenCreated))
				if !strings.Contains(result.Detail, "took too long") {
					break
				}
			}
			if result.Outcome != c.want || !strings.Contains(result.Detail, c.detail) {
				t.Errorf("got %+v", result)
			}
			if sent := len(r.got()) == 1; sent != (result.Detail == "") {
				t.Errorf("%d requests", len(r.got()))
			}
		})
	}
}

func TestTemplatesCannotTrace(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = write
	defer func() { os.Stderr = stderr }()
	r := newReceiver(t, status(http.StatusOK))
	newWebhooks(t, r.URL, func(h *webhook.Hook) { h.Body = inline(`function(ctx) std.trace(ctx.data.invitation.email, {})`) }).
		Send(t.Context(), dispatch(bridge.EventTokenCreated))
	_ = write.Close()
	printed := make([]byte, 1000)
	if n, _ := read.Read(printed); n > 0 {
		t.Errorf("printed %q", printed[:n])
	}
}

func TestTemplatesAreCompiledAtStart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.jsonnet")
	for body, want := range map[string]string{
		"file://" + missing:                                   "hooks[0].body: cannot be read: open " + missing + ": no such file or directory",
		"base64://***":                                        "hooks[0].body: is not base64 after base64://",
		"https://example.com/x":                               "hooks[0].body: must begin with file:// or base64://",
		inline("function(ctx)\n { a: }"):                      "hooks[0].body: is not valid Jsonnet: see line 2, column 7",
		inline(`function(ctx) unknown`):                       "hooks[0].body: is not valid Jsonnet: see line 1, column 15",
		inline(`{ a: 1 }`):                                    "hooks[0].body: must be a function(ctx)",
		inline(`function(other) 1`):                           "hooks[0].body: must be a function(ctx)",
		inline(`function(ctx, other) 1`):                      "hooks[0].body: must be a function(ctx)",
		inline(`function(ctx) import "a.libsonnet"`):          "hooks[0].body: must not import anything",
		inline(`function(ctx) importstr "/etc/passwd"`):       "hooks[0].body: must not import anything",
		inline(`function(ctx) { a: [importbin "/etc/x"] }`):   "hooks[0].body: must not import anything",
		inline(`local x = { y:: import "z" }; function(c) 1`): "hooks[0].body: must not import anything",
	} {
		hook := webhook.Hook{ID: "crm", Events: []bridge.Event{bridge.EventTokenCreated}, URL: "https://example.com", Body: body}
		_, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{hook}})
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", body, err, want)
		}
	}
}

// TestTemplatesInParallel is for the race detector: evaluations share nothing.
func TestTemplatesInParallel(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	w := newWebhooks(t, r.URL, func(h *webhook.Hook) {
		h.Body = inline(`local f(x) = { v: x }; function(ctx) f(std.get(ctx.data.message, "detail"))`)
		h.Events = []bridge.Event{bridge.EventDeliveryFailed}
	})
	done := make(chan bridge.SendResult)
	for i := range 16 {
		d := dispatch(bridge.EventDeliveryFailed)
		d.Payload.Data.Message.Detail = fmt.Sprint(i)
		go func() { done <- w.Send(t.Context(), d) }()
	}
	for range 16 {
		if result := <-done; result.Outcome != bridge.AttemptSent {
			t.Errorf("got %+v", result)
		}
	}
	seen := make(map[string]bool)
	for _, got := range r.got() {
		var body struct{ V string }
		if err := json.Unmarshal(got.body, &body); err != nil {
			t.Fatal(err)
		}
		seen[body.V] = true
	}
	if len(seen) != 16 {
		t.Errorf("%d different bodies", len(seen))
	}
}
