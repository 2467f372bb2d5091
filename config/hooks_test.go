package config_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

// signing is a signing secret of the minimum length.
const signing = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"

// hook returns a file with one minimal hook, and the keys of more.
func hook(more string) string {
	return `hooks: [{id: crm, events: [delivery_failed], url: "https://x.example/hook", ` + more + `}]`
}

// minimalHook returns the hook that Load reads from hook("").
func minimalHook() config.Hook {
	return config.Hook{
		ID: "crm", Events: []string{"delivery_failed"}, URL: "https://x.example/hook",
		Method: "POST", Timeout: config.Duration(15 * time.Second),
	}
}

// hookOf returns a file with one hook that has the given required keys.
func hookOf(id, events, url string) string {
	return `hooks: [{id: ` + id + `, events: ` + events + `, url: "` + url + `"}]`
}

// apiKey and basic return files with a hook whose auth has that configuration.
func apiKey(config string) string { return hook("auth: {type: api_key, config: {" + config + "}}") }
func basic(config string) string  { return hook("auth: {type: basic_auth, config: {" + config + "}}") }

// secretOf returns a signing secret of n bytes.
func secretOf(n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
}

const anEvent, aURL = "[delivery_failed]", "https://x.example/hook"

var hookRefusals = []refusal{
	{"hook/id_missing", `hooks: [{events: [delivery_failed], url: "https://x.example/"}]`, "hooks[0].id", true},
	{"hook/id_empty", hookOf(`""`, anEvent, aURL), "hooks[0].id", true},
	{"hook/id_capital", hookOf("Crm", anEvent, aURL), "hooks[0].id", true},
	{"hook/id_dot", hookOf("a.b", anEvent, aURL), "hooks[0].id", true},
	{"hook/id_long", hookOf(strings.Repeat("a", 65), anEvent, aURL), "hooks[0].id", true},
	{"hook/id_of_the_courier", hookOf("courier", anEvent, aURL), "hooks[0].id", true},
	{"hook/id_twice", `hooks: [{id: a, events: [delivery_failed], url: "https://x/"}, {id: a, events: [delivery_failed], url: "https://x/"}]`,
		"hooks[1].id", false},

	{"hook/events_missing", `hooks: [{id: a, url: "https://x.example/"}]`, "hooks[0].events", true},
	{"hook/events_none", hookOf("a", "[]", aURL), "hooks[0].events", true},
	{"hook/event_unknown", hookOf("a", "[delivery_failed, delivered]", aURL), "hooks[0].events[1]", true},
	{"hook/event_unknown_alone", hookOf("a", "[pre_delivery]", aURL), "hooks[0].events[0]", true},
	{"hook/event_twice", hookOf("a", "[delivery_failed, delivery_failed]", aURL), "hooks[0].events[1]", true},
	{"hook/events_mixed", `hooks: [{id: a, events: [pre_password_creation, post_password_creation], url: "https://x/", can_interrupt: true}]`,
		"hooks[0].events", false},
	{"hook/events_mixed_without_interrupt", hookOf("a", "[pre_password_creation, post_password_creation]", aURL), "hooks[0].events", false},
	{"hook/cannot_interrupt", hookOf("a", "[pre_invitation_creation]", aURL), "hooks[0].can_interrupt", false},
	{"hook/interrupts_a_notification", hook("can_interrupt: true"), "hooks[0].can_interrupt", false},

	{"hook/audit_of_nothing", `hooks: [{id: a, audit: false, url: "https://x.example/"}]`, "hooks[0].events", true},
	{"hook/audit_blocking", `hooks: [{id: a, audit: true, events: [pre_invitation_creation], url: "https://x/", can_interrupt: true}]`, "hooks[0].audit", false},
	{"hook/audit_interrupts", `hooks: [{id: a, audit: true, url: "https://x/", can_interrupt: true}]`, "hooks[0].can_interrupt", false},
	{"hook/audit_event", hookOf("a", "[history_entry]", aURL), "hooks[0].events[0]", true},

	{"hook/url_missing", `hooks: [{id: a, events: [delivery_failed]}]`, "hooks[0].url", true},
	{"hook/url_relative", hookOf("a", anEvent, "/hook"), "hooks[0].url", true},
	{"hook/url_scheme", hookOf("a", anEvent, "ftp://x.example/"), "hooks[0].url", true},
	{"hook/url_no_host", hookOf("a", anEvent, "https:///hook"), "hooks[0].url", true},
	{"hook/url_user", hookOf("a", anEvent, "https://u:p@x.example/"), "hooks[0].url", true},
	{"hook/url_fragment", hookOf("a", anEvent, "https://x.example/#"), "hooks[0].url", true},
	{"hook/url_port", hookOf("a", anEvent, "https://x.example:65536/"), "hooks[0].url", false},
	{"hook/method", hook("method: GET"), "hooks[0].method", true},
	{"hook/method_empty", hook(`method: ""`), "hooks[0].method", true},
	{"hook/timeout_none", hook("timeout: 0s"), "hooks[0].timeout", false},
	{"hook/timeout_short", hook("timeout: 999ms"), "hooks[0].timeout", false},
	{"hook/timeout_long", hook("timeout: 31s"), "hooks[0].timeout", false},
	{"hook/body_scheme", hook(`body: "https://x.example/crm.jsonnet"`), "hooks[0].body", true},
	{"hook/body_relative", hook(`body: "file://crm.jsonnet"`), "hooks[0].body", true},
	{"hook/body_directory", hook(`body: "file:///etc/"`), "hooks[0].body", true},
	{"hook/body_no_base64", hook(`body: "base64://!"`), "hooks[0].body", true},
	{"hook/body_base64_of_nothing", hook(`body: "base64://"`), "hooks[0].body", true},

	{"headers/name", hook(`headers: {"X Env": prod}`), "hooks[0].headers", true},
	{"headers/name_empty", hook(`headers: {"": prod}`), "hooks[0].headers", true},
	{"headers/merge_key", hook(`headers: {"<<": prod}`), "hooks[0].headers", true},
	{"headers/value_line_break", hook(`headers: {X-Env: "a\nb"}`), "hooks[0].headers", true},
	{"headers/value_not_ascii", hook(`headers: {X-Env: Köln}`), "hooks[0].headers", true},
	{"headers/value_space", hook(`headers: {X-Env: " a"}`), "hooks[0].headers", true},
	{"headers/same_in_other_case", hook(`headers: {X-Env: a, x-env: b}`), "hooks[0].headers", false},
	{"headers/of_http", hook(`headers: {content-Length: "1"}`), "hooks[0].headers", false},
	{"headers/of_signatures", hook(`headers: {Webhook-Id: a}`), "hooks[0].headers", false},
	{"headers/of_basic_auth", hook(`headers: {authorization: a}, auth: {type: basic_auth, config: {user: a, password: b}}`), "hooks[0].headers", false},
	{"headers/of_api_key", hook(`headers: {X-KEY: a}, auth: {type: api_key, config: {name: X-Key, value: b}}`), "hooks[0].headers", false},
	{"headers/of_cookie", hook(`headers: {Cookie: a=b}, auth: {type: api_key, config: {name: a, value: b, in: cookie}}`), "hooks[0].headers", false},

	{"auth/type_missing", hook("auth: {config: {user: a, password: b}}"), "hooks[0].auth.type", true},
	{"auth/type_unknown", hook("auth: {type: bearer, config: {}}"), "hooks[0].auth.type", true},
	{"auth/key_without_name", apiKey("value: a"), "hooks[0].auth.config.name", true},
	{"auth/key_without_value", apiKey("name: a"), "hooks[0].auth.config.value", true},
	{"auth/key_name", apiKey(`name: "X Key", value: a`), "hooks[0].auth.config.name", true},
	{"auth/key_name_of_http", apiKey(`name: Host, value: a`), "hooks[0].auth.config.name", false},
	{"auth/key_value_line_break", apiKey(`name: a, value: "a\r\nb: c"`), "hooks[0].auth.config.value", true},
	{"auth/key_value_in_cookie", apiKey(`name: a, value: "a; b", in: cookie`), "hooks[0].auth.config.value", false},
	{"auth/key_place", apiKey(`name: a, value: b, in: query`), "hooks[0].auth.config.in", true},
	{"auth/key_place_empty", apiKey(`name: a, value: b, in: ""`), "hooks[0].auth.config.in", true},
	{"auth/key_with_password", apiKey(`name: a, value: b, password: c`), "hooks[0].auth.config", true},
	{"auth/basic_without_user", basic("password: a"), "hooks[0].auth.config.user", true},
	{"auth/basic_without_password", basic("user: a"), "hooks[0].auth.config.password", true},
	{"auth/basic_user_with_colon", basic(`user: "a:b", password: c`), "hooks[0].auth.config.user", true},
	{"auth/basic_password_line_break", basic(`user: a, password: "b\n"`), "hooks[0].auth.config.password", false},
	{"auth/basic_with_name", basic(`user: a, password: b, name: c`), "hooks[0].auth.config", true},
	{"auth/basic_with_place", basic(`user: a, password: b, in: header`), "hooks[0].auth.config", true},

	{"secrets/no_prefix", hook("secrets: [" + strings.TrimPrefix(signing, "whsec_") + "]"), "hooks[0].secrets[0]", true},
	{"secrets/short", hook("secrets: [" + signing + ", " + secretOf(23) + "]"), "hooks[0].secrets[1]", false},
	{"secrets/long", hook("secrets: [" + secretOf(65) + "]"), "hooks[0].secrets[0]", true},
	{"secrets/url_base64", hook("secrets: [whsec_-_--MDEyMzQ1Njc4OTAxMjM0NTY3ODkw]"), "hooks[0].secrets[0]", true},
	{"secrets/no_padding", hook("secrets: [" + strings.TrimRight(secretOf(25), "=") + "]"), "hooks[0].secrets[0]", false},
	{"secrets/stray_bits", hook("secrets: [" + strings.TrimSuffix(secretOf(25), "w==") + "x==]"), "hooks[0].secrets[0]", false},
	{"secrets/line_break", hook(`secrets: ["` + signing + `\n"]`), "hooks[0].secrets[0]", false},
	{"secrets/twice", hook("secrets: [" + signing + ", " + signing + "]"), "hooks[0].secrets[1]", true},
}

var hookAcceptances = []acceptance{
	{"no_hooks", `hooks: []`},
	{"hook", hook("")},
	{"hook_id", hookOf(`"`+strings.Repeat("a", 58)+`0_-9zz"`, anEvent, aURL)},
	{"hook_for_all_notifications", hookOf("a", "[invitation_token_created, post_password_creation, invitation_revoked, invitation_expired, delivery_failed]", aURL)},
	{"hook_for_all_blocking_events", `hooks: [{id: a, events: [pre_invitation_creation, pre_password_creation], url: "http://x/", can_interrupt: true}]`},
	{"hook_audit", `hooks: [{id: a, audit: true, url: "https://x"}]`},
	{"hook_audit_and_events", hook("audit: true")},
	{"hook_url_with_query", hookOf("a", anEvent, "http://[::1]:8080?key=a%23b")},
	{"hook_method", hook("method: PATCH, can_interrupt: false")},
	{"hook_timeouts", `hooks: [{id: a, events: [delivery_failed], url: "https://x", timeout: 1s}, {id: b, events: [delivery_failed], url: "https://x", timeout: 30s}]`},
	{"hook_body_in_a_file", hook("body: file:///etc/invitebridge/crm.jsonnet")},
	{"hook_body_in_base64", hook("body: base64://" + base64.StdEncoding.EncodeToString([]byte("function(ctx) ctx")))},
	{"hook_headers", hook(`headers: {X-Env: prod, X-Empty: "", Authorization: "Bearer a.b~c", Cookie: a=b, User-Agent: "a\tb (c)"}`)},
	{"hook_headers_beside_key", hook(`headers: {Cookie: a=b}, auth: {type: api_key, config: {name: Authorization, value: Key a}}`)},
	{"hook_headers_beside_cookie", hook(`headers: {key: b}, auth: {type: api_key, config: {name: key, value: "a=b", in: cookie}}`)},
	{"hook_key_in_a_header", apiKey("name: X-Api-Key, value: a b, in: header")},
	{"hook_basic_auth", basic(`user: "ä b", password: "ä: b"`)},
	{"hook_secrets", hook("secrets: [" + signing + ", " + secretOf(25) + ", " + secretOf(64) + "]")},
}

// TestHookInCode: Validate requires the keys for which Load has defaults.
func TestHookInCode(t *testing.T) {
	c := keyed(func(c *config.Config) { c.Hooks = []config.Hook{minimalHook()} })
	if err := c.Validate(); err != nil {
		t.Errorf("a hook with the defaults: %v", err)
	}
	c.Hooks[0].Method, c.Hooks[0].Timeout = "", 0
	c.Hooks[0].Auth = config.HookAuth{Type: "api_key", Config: config.HookAuthConfig{Name: "a", Value: "b"}}
	want := []string{
		"hooks[0].method: must be one of POST, PUT, PATCH",
		"hooks[0].auth.config.in: must be one of header, cookie",
		"hooks[0].timeout: must be from 1s to 30s",
	}
	if diff := cmp.Diff(want, problems(t, c.Validate(), "")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
