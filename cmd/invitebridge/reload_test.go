package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	reloaded = "configuration reloaded"
	kept     = "the configuration has problems and the last good one stays"
)

// change writes the further lines anew and waits for what the bridge says.
func (b *running) change(said string, lines ...string) map[string]any {
	b.t.Helper()
	write(b.t, b.more, strings.Join(lines, "\n"))
	return b.hangup(said)
}

// hangup has the bridge read everything anew, and waits for what it says.
func (b *running) hangup(said string) map[string]any {
	b.t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		b.t.Fatal(err)
	}
	return b.log.await(b.t, "msg", said)
}

// status gives that of a list with an API key.
func (b *running) status(key string) int {
	b.t.Helper()
	return b.call(http.MethodGet, b.admin+base+"/", nil, "Authorization", "Bearer "+key).status
}

func keys(list ...string) string {
	var items []string
	for i, k := range list {
		items = append(items, fmt.Sprintf("{ name: k%d, key: %s }", i, k))
	}
	return "serve: { admin: { api_keys: [ " + strings.Join(items, ", ") + " ] } }"
}

// TestReloadKeys: a key is replaced without a gap and without a restart, and a
// mistake on the way costs nothing.
func TestReloadKeys(t *testing.T) {
	const first, second = "the-first-key-of-all", "the-second-key-of-all"
	b := startFakeBridge(t, keys(first))
	for i, step := range []struct {
		lines, said   string
		first, second int
	}{
		{keys(first, second), reloaded, 200, 200},
		{keys(first, first), kept, 200, 200},
		{"serve: {", kept, 200, 200},
		{keys(second), reloaded, 401, 200},
	} {
		said := b.change(step.said, step.lines)
		if got := [2]int{b.status(first), b.status(second)}; got != [2]int{step.first, step.second} {
			t.Errorf("step %d: %v; %v", i, got, said)
		}
		measured := b.call(http.MethodGet, b.admin+"/metrics/prometheus", nil, "Authorization", "Bearer "+map[int]string{0: first, 1: first, 2: first, 3: second}[i]).text
		if gauge := "invitebridge_config_last_reload_successful " + map[string]string{reloaded: "1", kept: "0"}[step.said]; !strings.Contains(measured, gauge) {
			t.Errorf("step %d: not %s", i, gauge)
		}
	}
	if log := b.log.String(); strings.Contains(log, first) || strings.Contains(log, second) {
		t.Error("a key is in the log")
	}
}

// TestReloadDelivery: hooks come, go, and get other bodies and events.
func TestReloadDelivery(t *testing.T) {
	former, latter := newHookReceiver(t), newHookReceiver(t)
	hook := func(id, url, more string) string {
		return fmt.Sprintf("hooks: [ { id: %s, url: %s, secrets: [ %s ], events: [ invitation_token_created ]%s } ]", id, url, hookSecret, more)
	}
	body := filepath.Join(t.TempDir(), "body.jsonnet")
	write(t, body, `function(ctx) ctx`)
	b := startFakeBridge(t, hook("crm", former.URL, ""))
	b.invite(object{"email": "one@example.com"})
	former.await("invitation_token_created", "one@example.com")

	b.change(reloaded, hook("crm", latter.URL, ", body: file://"+body))
	b.invite(object{"email": "two@example.com"})
	latter.await("invitation_token_created", "two@example.com")

	write(t, body, `function(ctx) ctx + { type: "renamed" }`)
	b.hangup(reloaded)
	b.invite(object{"email": "three@example.com"})
	latter.await("renamed", "three@example.com")

	write(t, body, `function(`)
	b.hangup(kept)
	b.invite(object{"email": "four@example.com"})
	latter.await("renamed", "four@example.com")

	write(t, body, `function(ctx) ctx`)
	b.hangup(reloaded)
	b.change(reloaded, "hooks: []")
	b.invite(object{"email": "five@example.com"})
	b.change(reloaded, hook("crm", former.URL, ""))
	b.invite(object{"email": "six@example.com"})
	former.await("invitation_token_created", "six@example.com")
	if n := len(former.events("invitation_token_created", "five@example.com")); n != 0 {
		t.Errorf("nobody wanted to be told, and %d were", n)
	}
}

// TestReloadSays names what was taken over and what was not; nobody sends a
// signal here.
func TestReloadSays(t *testing.T) {
	b := startFakeBridge(t, "log: { level: info }")
	write(t, b.more, "log: { level: debug }\ninvitation: { lifespan: 3h }")
	said := b.log.await(t, "msg", reloaded)
	if changed := fmt.Sprint(said["changed"]); changed != "[log.level]" {
		t.Errorf("changed: %s", changed)
	}
	said = b.log.await(t, "level", "warning")
	if waiting := fmt.Sprint(said["keys"]); waiting != "[invitation.lifespan]" {
		t.Errorf("waiting: %s", waiting)
	}
	b.call(http.MethodGet, b.public+"/health/alive", nil)
	eventually(t, func() bool { return strings.Contains(b.log.String(), `"level":"debug"`) })
}
