package webhook_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

func TestAllProblemsAreReported(t *testing.T) {
	token := []bridge.Event{bridge.EventTokenCreated}
	short := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23))
	config := webhook.Config{
		Version: "1\n2",
		Hooks: []webhook.Hook{
			{ID: "Bad Id", Events: nil, URL: "ftp://example.com", Method: "GET", Timeout: time.Millisecond},
			{ID: "courier", Events: []bridge.Event{"nothing", bridge.EventTokenCreated, bridge.EventTokenCreated}, URL: "https://user:canary@example.com/"},
			{ID: "a", Events: []bridge.Event{bridge.EventTokenCreated, bridge.EventPreInvitation}, URL: "https://example.com:99999/", CanInterrupt: true},
			{ID: "a", Events: []bridge.Event{bridge.EventPrePassword}, URL: "https://exa mple.com/canary"},
			{ID: "b", Events: token, URL: "https://example.com/#canary", CanInterrupt: true, Timeout: 31 * time.Second},
			{ID: "c", Events: token, URL: "https://example.com", Secrets: []string{"canary", short, secret("a"), secret("a"), secret("a") + "\n"}},
			{ID: "d", Events: token, URL: "https:///path", Headers: map[string]string{
				"content-type": "text/plain", "HOST": "x", "Webhook-Id": "1", "Bad Name": "x", "X-A": "canary\r\n", "X-B": "1", "x-b": "2", "Content-Length": "1",
			}},
			{ID: "e", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: "bearer", Value: "canary"}},
			{ID: "f", Events: token, URL: "https://example.com", Auth: webhook.Auth{Value: "canary"}},
			{ID: "g", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: webhook.AuthAPIKey, Name: "webhook-id", Value: "canary"}},
			{ID: "h", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: webhook.AuthAPIKey, Name: "X-Key", Value: "canary", In: "query"}},
			{ID: "i", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: webhook.AuthAPIKey, Name: "k", Value: "canary;x", In: "cookie"}},
			{ID: "j", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: webhook.AuthBasic, Password: "canary"}},
			{ID: "k", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: webhook.AuthBasic, User: "u:v", Password: "canary"}},
			{ID: "l", Events: token, URL: "https://example.com", Headers: map[string]string{"Authorization": "canary"}, Auth: webhook.Auth{Type: webhook.AuthBasic, User: "u", Password: "canary"}},
			{ID: "m", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: webhook.AuthBasic, User: "u", Value: "canary"}},
			{ID: "n", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: webhook.AuthAPIKey, User: "u", Value: "canary"}},
			{ID: "o", Events: token, URL: "https://example.com", Body: "canary"},
			{ID: strings.Repeat("p", 65), Events: token, URL: "https://example.com", Body: inline(`function(ctx) "canary" 1`)},
			{ID: "q", Events: token, URL: "https://example.com", Auth: webhook.Auth{Type: webhook.AuthAPIKey, Name: "X-Key", Value: "canary\n"}},
		},
		PrivateIPExceptionURLs: []string{"http://10.0.0.1/ok", "http://user:canary@10.0.0.1/", "10.0.0.1", "http://*.internal/**", "http://10.0.0.1/a*"},
	}
	const address = "must be absolute, and begin with http:// or https://"
	const hookSecret = `must be "whsec_" and the base64 of 24 to 64 random bytes`
	want := []string{
		`clients.http.private_ip_exception_urls[1]: must not hold credentials; use auth`,
		`clients.http.private_ip_exception_urls[2]: ` + address,
		`clients.http.private_ip_exception_urls[3]: must be a URL, not a pattern`,
		`clients.http.private_ip_exception_urls[4]: must be a URL, not a pattern`,
		`version: cannot be sent in a header`,
		`hooks[0].id: must be 1 to 64 of a-z, 0-9, "_" and "-"`,
		`hooks[0].events: must name at least one event`,
		`hooks[0].url: ` + address,
		`hooks[0].method: must be POST, PUT or PATCH`,
		`hooks[0].timeout: must be between 1s and 30s`,
		`hooks[1].id: "courier" is the name of the email courier; choose another`,
		fmt.Sprintf(`hooks[1].events[0]: "nothing" is not an event; the events are %q`, bridge.Events()),
		`hooks[1].events[2]: "invitation_token_created" is listed twice`,
		`hooks[1].url: must not hold credentials; use auth`,
		`hooks[2].events: pre_ events and other events need separate hooks`,
		`hooks[2].url: must have a port between 1 and 65535`,
		`hooks[3].can_interrupt: must be true for pre_ events`,
		`hooks[3].url: is not a URL`,
		`hooks[3].id: another hook has this id`,
		`hooks[4].can_interrupt: is for pre_ events only: other events cannot be refused`,
		`hooks[4].url: must not have a fragment`,
		`hooks[4].timeout: must be between 1s and 30s`,
		`hooks[5].secrets[0]: ` + hookSecret,
		`hooks[5].secrets[1]: ` + hookSecret,
		`hooks[5].secrets[3]: is listed twice`,
		`hooks[5].secrets[4]: ` + hookSecret,
		`hooks[6].url: ` + address,
		`hooks[6].headers: "Bad Name" is not a valid header name`,
		`hooks[6].headers: "Content-Length" is reserved for the bridge`,
		`hooks[6].headers: "HOST" is reserved for the bridge`,
		`hooks[6].headers: "Webhook-Id" is reserved for the bridge`,
		`hooks[6].headers: the value of "X-A" cannot be sent in a header`,
		`hooks[6].headers: "content-type" is reserved for the bridge`,
		`hooks[6].headers: "x-b" is set twice`,
		`hooks[7].auth.type: must be "api_key" or "basic_auth"`,
		`hooks[8].auth.type: must be "api_key" or "basic_auth"`,
		`hooks[9].auth.config.name: "webhook-id" is reserved for the bridge`,
		`hooks[10].auth.config.in: must be "header" or "cookie"`,
		`hooks[11].auth.config: name and value cannot be sent in a cookie`,
		`hooks[12].auth.config.user: must not be empty`,
		`hooks[13].auth.config.user: must not contain a colon`,
		`hooks[14].auth: "Authorization" is set twice`,
		`hooks[15].auth.config: name, value and in are for "api_key"`,
		`hooks[16].auth.config: user and password are for "basic_auth"`,
		`hooks[17].body: must begin with file:// or base64://`,
		`hooks[18].id: must be 1 to 64 of a-z, 0-9, "_" and "-"`,
		`hooks[18].body: is not valid Jsonnet: see line 1, column 24`,
		`hooks[19].auth.config.value: cannot be sent in a header`,
	}
	_, err := webhook.New(config)
	if err == nil {
		t.Fatal("no problem")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Error("a value is quoted")
	}
	for _, printed := range []string{fmt.Sprintf("%v", config), fmt.Sprintf("%+v", config), fmt.Sprintf("%#v", config.Hooks)} {
		if strings.Contains(printed, secret("a")) || strings.Contains(printed, "canary;x") {
			t.Errorf("a secret is printed: %s", printed)
		}
	}
}

func TestValidConfigurations(t *testing.T) {
	hook := func(change func(*webhook.Hook)) webhook.Hook {
		h := webhook.Hook{ID: "a-b_0", Events: []bridge.Event{bridge.EventTokenCreated}, URL: "https://example.com"}
		change(&h)
		return h
	}
	sized := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for name, h := range map[string]webhook.Hook{
		"minimal": hook(func(*webhook.Hook) {}),
		"a query": hook(func(h *webhook.Hook) { h.URL = "http://[2001:db8::1]:8080/a/b?c=d" }),
		"every event": hook(func(h *webhook.Hook) {
			h.Events = append(h.Events, bridge.EventDeliveryFailed, bridge.EventPostPassword)
		}),
		"sizes of secrets": hook(func(h *webhook.Hook) { h.Secrets = []string{sized(24), sized(25), sized(64)} }),
		"limits of time":   hook(func(h *webhook.Hook) { h.Timeout = 30 * time.Second }),
		"key in Authorization": hook(func(h *webhook.Hook) {
			h.Auth = webhook.Auth{Type: webhook.AuthAPIKey, Name: "Authorization", Value: "Bearer x"}
		}),
		"user without password": hook(func(h *webhook.Hook) { h.Auth = webhook.Auth{Type: webhook.AuthBasic, User: "u"} }),
		"another User-Agent":    hook(func(h *webhook.Hook) { h.Headers = map[string]string{"User-Agent": "x"} }),
	} {
		t.Run(name, func(t *testing.T) { mustNew(t, webhook.Config{Hooks: []webhook.Hook{h}}) })
	}
}
