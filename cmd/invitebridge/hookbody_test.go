package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestInvalidBodies: a body template that would fail at the first event is a
// configuration problem for config check, doctor and serve. A reload with one
// changes nothing.
func TestInvalidBodies(t *testing.T) {
	receiver := newHookReceiver(t)
	hook := func(body string) string {
		return fmt.Sprintf("hooks: [ { id: crm, url: '%s', secrets: [ '%s' ], events: [ invitation_token_created ], body: 'base64://%s' } ]",
			receiver.URL, hookSecret, base64.StdEncoding.EncodeToString([]byte(body)))
	}
	b := startFakeBridge(t, hook(`function(ctx) ctx`))
	line := b.change(kept, hook(`function(ctx) { email: ctx.identity.traits.email }`))
	const want = "hooks[0].body: the body template failed at line 1: it reads a field that does not exist, rendered with a sample of invitation_token_created; ctx.identity exists in Kratos templates only"
	if cause := fmt.Sprint(line["cause"]); !strings.HasPrefix(cause, want) {
		t.Errorf("reload: %s", cause)
	}
	b.invite(object{"email": "one@example.com"})
	receiver.await("invitation_token_created", "one@example.com")

	files := []string{"-c", filepath.Join(filepath.Dir(b.store), "invitebridge.yml"), "-c", b.extra}
	environ := []string{"INVITEBRIDGE_DSN=bolt://" + filepath.Join(t.TempDir(), "other.db")}
	for _, command := range []string{"config check", "doctor", "serve"} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append(strings.Fields(command), files...), environ, stdio{out: &out, err: &errs})
		if code != exitUsage || !strings.HasPrefix(errs.String(), "invitebridge: "+want) {
			t.Errorf("%s: exit code %d, %s", command, code, errs.String())
		}
	}
}
