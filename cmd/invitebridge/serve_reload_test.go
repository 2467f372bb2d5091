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
	kept     = "configuration not reloaded: it has problems, and the previous one stays in effect"
)

// change rewrites the extra lines, triggers a reload and waits for a log message.
func (b *running) change(message string, lines ...string) map[string]any {
	b.t.Helper()
	write(b.t, b.extra, strings.Join(lines, "\n"))
	return b.reload(message)
}

// reload triggers a reload and waits for a log message.
func (b *running) reload(message string) map[string]any {
	b.t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		b.t.Fatal(err)
	}
	return b.log.await(b.t, "msg", message)
}

// status returns the status of a list request with an API key.
func (b *running) status(key string) int {
	b.t.Helper()
	return b.call(http.MethodGet, b.admin+base+"/", nil, "Authorization", "Bearer "+key).status
}

func apiKeysYAML(list ...string) string {
	var items []string
	for i, k := range list {
		items = append(items, fmt.Sprintf("{ name: k%d, key: %s }", i, k))
	}
	return "serve: { admin: { api_keys: [ " + strings.Join(items, ", ") + " ] } }"
}

// TestReloadKeys: a key is rotated without downtime and without a restart, and a
// mistake on the way changes nothing.
func TestReloadKeys(t *testing.T) {
	const first, second = "the-first-key-of-all", "the-second-key-of-all"
	b := startFakeBridge(t, apiKeysYAML(first))
	for i, step := range []struct {
		lines, logged string
		first, second int
	}{
		{apiKeysYAML(first, second), reloaded, 200, 200},
		{apiKeysYAML(first, first), kept, 200, 200},
		{"serve: {", kept, 200, 200},
		{apiKeysYAML(second), reloaded, 401, 200},
	} {
		line := b.change(step.logged, step.lines)
		if got := [2]int{b.status(first), b.status(second)}; got != [2]int{step.first, step.second} {
			t.Errorf("step %d: %v; %v", i, got, line)
		}
		measured := b.call(http.MethodGet, b.admin+"/metrics/prometheus", nil, "Authorization", "Bearer "+map[int]string{0: first, 1: first, 2: first, 3: second}[i]).text
		if gauge := "invitebridge_config_last_reload_successful " + map[string]string{reloaded: "1", kept: "0"}[step.logged]; !strings.Contains(measured, gauge) {
			t.Errorf("step %d: not %s", i, gauge)
		}
	}
	if log := b.log.String(); strings.Contains(log, first) || strings.Contains(log, second) {
		t.Error("a key is in the log")
	}
}

// TestReloadDelivery: reloads add, change and remove hooks and their bodies.
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
	b.reload(reloaded)
	b.invite(object{"email": "three@example.com"})
	latter.await("renamed", "three@example.com")

	write(t, body, `function(`)
	b.reload(kept)
	b.invite(object{"email": "four@example.com"})
	latter.await("renamed", "four@example.com")

	write(t, body, `function(ctx) ctx`)
	b.reload(reloaded)
	b.change(reloaded, "hooks: []")
	b.invite(object{"email": "five@example.com"})
	b.change(reloaded, hook("crm", former.URL, ""))
	b.invite(object{"email": "six@example.com"})
	former.await("invitation_token_created", "six@example.com")
	if n := len(former.events("invitation_token_created", "five@example.com")); n != 0 {
		t.Errorf("without hooks, %d events were delivered", n)
	}
}

// TestReloadLog: the log names the keys that were applied and those that need a
// restart. The reload happens without a signal.
func TestReloadLog(t *testing.T) {
	b := startFakeBridge(t, "log: { level: info }")
	write(t, b.extra, "log: { level: debug }\ninvitation: { lifespan: 3h }")
	line := b.log.await(t, "msg", reloaded)
	if changed := fmt.Sprint(line["changed"]); changed != "[log.level]" {
		t.Errorf("changed: %s", changed)
	}
	line = b.log.await(t, "level", "warning")
	if keys := fmt.Sprint(line["keys"]); keys != "[invitation.lifespan]" {
		t.Errorf("needs a restart: %s", keys)
	}
	b.call(http.MethodGet, b.public+"/health/alive", nil)
	eventually(t, func() bool { return strings.Contains(b.log.String(), `"level":"debug"`) })
}
