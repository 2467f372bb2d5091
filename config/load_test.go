package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

// withKey is the least a file must say.
const withKey = "serve: {admin: {api_keys: [{name: backend, key: 0123456789abcdef}]}}\n"

// load writes the files as 1.yml, 2.yml and so on, loads them, and returns the
// problems as lines, without the directory.
func load(t *testing.T, files []string, options config.Options) (config.Config, []string) {
	t.Helper()
	dir := t.TempDir()
	for i, content := range files {
		name := filepath.Join(dir, fmt.Sprintf("%d.yml", i+1))
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		options.Files = append(options.Files, name)
	}
	c, err := config.Load(options)
	if err == nil {
		return c, nil
	}
	if !cmp.Equal(c, config.Config{}) {
		t.Errorf("Load returned a configuration along with an error")
	}
	return c, problems(t, err, dir)
}

// problems returns the lines of an error, without the directory.
func problems(t *testing.T, err error, dir string) []string {
	t.Helper()
	var all *config.Error
	if !errors.As(err, &all) {
		t.Fatalf("error is a %T, want *config.Error: %v", err, err)
	}
	var lines []string
	for _, problem := range all.Problems {
		lines = append(lines, strings.ReplaceAll(problem.String(), dir+string(filepath.Separator), ""))
	}
	return lines
}

// keyed is the defaults with the key of withKey, and a change.
func keyed(change func(*config.Config)) config.Config {
	c := config.Default()
	c.Serve.Admin.APIKeys = []config.APIKey{{Name: "backend", Key: "0123456789abcdef"}}
	if change != nil {
		change(&c)
	}
	return c
}

func TestLayers(t *testing.T) {
	tests := []struct {
		name    string
		files   []string
		options config.Options
		change  func(*config.Config) // to keyed
	}{
		{name: "defaults", files: []string{withKey}},
		{name: "an_empty_mapping", files: []string{withKey, "{}"}},
		{name: "byte_order_mark_and_crlf", files: []string{"\ufeff" + withKey + "log:\r\n  level: debug\r\n"},
			change: func(c *config.Config) { c.Log.Level = "debug" }},
		{name: "empty_sections", files: []string{withKey, "kratos:\nlog:\n  # level: debug\n"}},
		{
			name: "later_file_wins",
			files: []string{
				withKey + "log: {level: debug, format: text}\ninvitation: {allowed_return_urls: ['https://a.example/', 'https://b.example/']}",
				"log: {level: error}\ninvitation: {allowed_return_urls: ['https://c.example/']}",
			},
			change: func(c *config.Config) {
				c.Log = config.Log{Level: "error", Format: "text"}
				c.Invitation.AllowedReturnURLs = []string{"https://c.example/"}
			},
		},
		{name: "later_list_empties", files: []string{withKey, "serve: {public: {cors: {allowed_origins: []}}}"},
			change: func(c *config.Config) { c.Serve.Public.CORS.AllowedOrigins = nil }},
		{
			name: "anchors",
			files: []string{withKey + "invitation:\n  return_to: &home https://a.example/\n" +
				"  allowed_return_urls: [*home]\n  lifespan: &day 24h\n  max_lifespan: *day\n"},
			change: func(c *config.Config) {
				c.Invitation.ReturnTo = "https://a.example/"
				c.Invitation.AllowedReturnURLs = []string{"https://a.example/"}
				c.Invitation.MaxLifespan = config.Duration(24 * time.Hour)
			},
		},
		{
			name:  "text_that_looks_like_a_number",
			files: []string{"serve: {admin: {api_keys: [{name: 007, key: 1234567890123456}]}}"},
			change: func(c *config.Config) {
				c.Serve.Admin.APIKeys = []config.APIKey{{Name: "007", Key: "1234567890123456"}}
			},
		},
		{
			name:  "hook_with_the_least",
			files: []string{withKey, hook("")},
			change: func(c *config.Config) {
				c.Hooks = []config.Hook{leastHook()}
			},
		},
		{
			name: "hook_with_everything",
			files: []string{withKey, hook(`method: PUT, headers: {X-Env: prod, X-Trace: 1}, timeout: 1s, body: "file:///x.jsonnet", ` +
				`secrets: [` + signing + `], auth: {type: api_key, config: {name: a, value: b, in: cookie}}`)},
			change: func(c *config.Config) {
				h := leastHook()
				h.Method, h.Timeout, h.Body = "PUT", config.Duration(time.Second), "file:///x.jsonnet"
				h.Headers = map[string]config.Secret{"X-Env": "prod", "X-Trace": "1"}
				h.Secrets = []config.Secret{signing}
				h.Auth = config.HookAuth{Type: "api_key", Config: config.HookAuthConfig{Name: "a", Value: "b", In: "cookie"}}
				c.Hooks = []config.Hook{h}
			},
		},
		{
			name:  "key_of_a_hook_goes_into_a_header",
			files: []string{withKey, hook(`auth: {type: api_key, config: {name: a, value: b}}, headers: `)},
			change: func(c *config.Config) {
				h := leastHook()
				h.Auth = config.HookAuth{Type: "api_key", Config: config.HookAuthConfig{Name: "a", Value: "b", In: "header"}}
				c.Hooks = []config.Hook{h}
			},
		},
		{
			name:  "basic_auth_of_a_hook_goes_nowhere_else",
			files: []string{withKey, hook(`auth: {type: basic_auth, config: {user: a, password: b}}`)},
			change: func(c *config.Config) {
				h := leastHook()
				h.Auth = config.HookAuth{Type: "basic_auth", Config: config.HookAuthConfig{User: "a", Password: "b"}}
				c.Hooks = []config.Hook{h}
			},
		},
		{
			name:  "later_hooks_replace",
			files: []string{withKey, hook("method: PUT, timeout: 1s, headers: {a: b}"), hook("")},
			change: func(c *config.Config) {
				c.Hooks = []config.Hook{leastHook()}
			},
		},
		{
			name:    "development",
			options: config.Options{Dev: true},
			change:  func(c *config.Config) { c.DSN, c.Serve.Admin.APIKeys = "", nil },
		},
		{
			name:    "development_with_files",
			files:   []string{withKey, "dsn: bolt:///tmp/dev.db"},
			options: config.Options{Dev: true},
			change:  func(c *config.Config) { c.DSN = "bolt:///tmp/dev.db" },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, problems := load(t, test.files, test.options)
			if problems != nil {
				t.Fatalf("problems:\n%s", strings.Join(problems, "\n"))
			}
			if diff := cmp.Diff(keyed(test.change), got); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
		})
	}
}

// topLevel is what a whole file may hold.
const topLevel = "clients, courier, dsn, hooks, invitation, kratos, log, page, selfservice, serve, tracing"

// replacedBy is how the values of invitation.delete_unaccepted_identities
// translate.
const replacedBy = "write at_expiry instead of true; instead of false write keep, or leave it out for the default, at_purge"

func TestLoad(t *testing.T) {
	tests := []struct {
		name  string
		files []string
		want  []string
	}{
		{"no_api_key", []string{"{}"}, []string{
			"serve.admin.api_keys: must have at least one key, such as {name: backend, key: …}; make one with: openssl rand -hex 32"}},
		{"unknown_key", []string{withKey + "log:\n  colour: true\n"}, []string{
			"1.yml:3: log.colour: is not a known key; remove it, or use one out of format, level"}},
		{"misspelt_key", []string{withKey + "kratos:\n  amdin_url: x\nlgo: {}\n"}, []string{
			"1.yml:3: kratos.amdin_url: is not a known key; did you mean admin_url?",
			"1.yml:4: lgo: is not a known key; remove it, or use one out of " + topLevel}},
		{"section_of_kratos", []string{withKey + "oauth2_provider: {url: x}\nciphers: {}\n"}, []string{
			"1.yml:2: oauth2_provider: is not a known key; remove it, or use one out of " + topLevel,
			"1.yml:3: ciphers: is not a known key; remove it, or use one out of " + topLevel}},
		{"secret_that_slipped_to_the_top", []string{withKey + "deadbeef0123: x\nwhsec_MfKQ9r8G: x\n"}, []string{
			"1.yml:2: has an unknown key here; remove it, or use one out of " + topLevel,
			"1.yml:3: has an unknown key here; remove it, or use one out of " + topLevel}},
		{"unknown_key_beside_secrets", []string{withKey, "serve:\n  admin:\n    correcthorse:\n    api_keys:\n      - name: a\n        key: 0123456789abcdef\n        batterystaple:\n"}, []string{
			"2.yml:3: serve.admin: has an unknown key here; remove it, or use one out of api_keys, host, port, socket, tls",
			"2.yml:7: serve.admin.api_keys[0]: has an unknown key here; remove it, or use one out of key, key_sha256, name"}},
		{"unknown_key_beside_secrets_of_hooks_and_mail", []string{withKey, "courier:\n  correcthorse:\n  smtp:\n    batterystaple:\n" +
			"clients:\n  horsecorrect:\nhooks:\n- id: crm\n  events: [delivery_failed]\n  url: https://x\n  auth:\n    staplebattery:\n    tpye: api_key\n"}, []string{
			"2.yml:2: courier: has an unknown key here; remove it, or use one out of smtp, template_override_path",
			"2.yml:4: courier.smtp: has an unknown key here; remove it, or use one out of connection_uri, from_address, from_name, local_name, reply_to_inviter",
			"2.yml:6: clients: has an unknown key here; remove it, or use one out of http",
			"2.yml:12: hooks[0].auth: has an unknown key here; remove it, or use one out of config, type",
			"2.yml:13: hooks[0].auth: has an unknown key here; remove it, or use one out of config, type"}},
		{"key_of_earlier_versions", []string{withKey + "invitation:\n  delete_unaccepted_identities: false\n"}, []string{
			"1.yml:3: invitation.delete_unaccepted_identities: was replaced by invitation.unaccepted_identities; " + replacedBy}},
		{"key_of_earlier_versions_elsewhere", []string{withKey, "delete_unaccepted_identities: true"}, []string{
			"2.yml:1: delete_unaccepted_identities: is not a known key; remove it, or use one out of " + topLevel}},
		{"key_that_is_no_name", []string{withKey + "? [a, b]\n: c\n"}, []string{
			"1.yml:2: has an unknown key here; remove it, or use one out of " + topLevel}},
		{"merge_key", []string{withKey + "log: &a {level: info}\nkratos: {<<: *a}\n"}, []string{
			"1.yml:3: kratos: has an unknown key here; remove it, or use one out of " +
				"admin_token, admin_url, code_lifespan, email_trait, never_used_since, public_url, schema_id, timeout"}},
		{"duplicate_key", []string{withKey + "log:\n  level: info\n  level: debug\nlog: {}\n"}, []string{
			"1.yml:4: log.level: is given twice, first on line 3; keep one",
			"1.yml:5: log: is given twice, first on line 2; keep one"}},
		{"second_document", []string{withKey + "---\nlog: {}\n"}, []string{
			"1.yml:2: begins a second YAML document; keep one, or put the other into a file of its own"}},
		{"broken_second_document", []string{withKey + "---\n}\n"}, []string{
			"1.yml:2: is not valid YAML near here: did not find expected node content"}},
		{"broken_yaml", []string{withKey, "log: {level: info\n"}, []string{
			"2.yml:1: is not valid YAML near here: did not find expected ',' or '}'"}},
		{"broken_file_may_hold_the_key", []string{"serve: [", "log: {level: loud}"}, []string{
			"1.yml:1: is not valid YAML near here: did not find expected node content",
			"2.yml:1: log.level: must be one of trace, debug, info, warning, error"}},
		{"not_text", []string{withKey, "\x00\x01"}, []string{
			"2.yml: is not valid YAML near here: control characters are not allowed"}},
		{"nothing_in_a_file", []string{withKey, "", "# nothing\n"}, []string{
			"2.yml: has nothing in it; write {} if that is meant",
			"3.yml: has nothing in it; write {} if that is meant"}},
		{"not_a_mapping", []string{withKey, "- dsn\n"}, []string{
			"2.yml:1: must be a mapping with keys out of " + topLevel}},
		{"wrong_types", []string{withKey, `
dsn: [a]
serve:
  public:
    port: "80"
    trusted_proxies: 10.0.0.1
    cors: {enabled: yes, allowed_origins: }
    rate_limit: 5
kratos:
  timeout: 10
  schema_id:
  email_trait: !!binary ZW1haWw=
selfservice: {methods: {password: {config: {max_breaches: 99999999999999999999}}}}
`}, []string{
			"2.yml:2: dsn: must be a text",
			"2.yml:5: serve.public.port: must be a whole number, without quotes",
			"2.yml:6: serve.public.trusted_proxies: must be a list; write [] for an empty one",
			"2.yml:7: serve.public.cors.enabled: must be true or false, without quotes",
			"2.yml:7: serve.public.cors.allowed_origins: must be a list; write [] for an empty one",
			"2.yml:8: serve.public.rate_limit: must be a mapping with keys out of requests, window",
			"2.yml:10: kratos.timeout: must be a duration such as 90s, 15m or 48h",
			`2.yml:11: kratos.schema_id: has no value; write one, or "" for an empty text`,
			"2.yml:12: kratos.email_trait: must be a dotted path inside the traits, such as email or contact.email, or a mapping of such paths by the ids of their schemas",
			"2.yml:13: selfservice.methods.password.config.max_breaches: must be a whole number, without quotes"}},
		{"tags_that_belie_the_value", []string{withKey, "dsn: !!str [a]\nkratos: !!null {timeout: 1h}\nserve: {public: {port: !!int {a: b}}}\n"}, []string{
			"2.yml:1: dsn: must be a text",
			"2.yml:3: serve.public.port: must be a whole number, without quotes",
			"2.yml:2: kratos.timeout: must be from 1s to 60s"}},
		{"everything_at_once", []string{"log: {level: loud}\ncolour: 1\n", "serve:\n  public:\n    port: -1\n  admin:\n    api_keys:\n      - name: a\n"}, []string{
			"1.yml:2: colour: is not a known key; remove it, or use one out of " + topLevel,
			"2.yml:3: serve.public.port: must be from 1 to 65535, or 0 for any free port",
			"2.yml:6: serve.admin.api_keys[0]: must have either key or key_sha256, and not both",
			"1.yml:1: log.level: must be one of trace, debug, info, warning, error"}},
		{"place_of_what_an_item_lacks", []string{"serve:\n  admin:\n    api_keys:\n      - key: 0123456789abcdef\n"}, []string{
			"1.yml:4: serve.admin.api_keys[0].name: must be one or more letters, digits, _ . and -"}},
		{"wrong_types_in_hooks", []string{withKey, `
hooks:
  - crm
  - id: [crm]
    events: delivery_failed
    url: {https: x}
    headers: [a]
    auth: api_key
    secrets: whsec
    timeout: 15
    can_interrupt: yes
  - id: crm
    events: [delivery_failed, [a]]
    url: https://x.example/
    auth: {type: api_key, config: [a]}
    headers:
      X-A: a
      X-B: [b]
      X-A: c
      [d]: e
      X-F:
    secrets: [[a]]
courier: smtp
clients: {http: []}
`}, []string{
			"2.yml:3: hooks[0]: must be a mapping with keys out of auth, body, can_interrupt, events, headers, id, method, secrets, timeout, url",
			"2.yml:4: hooks[1].id: must be a text",
			"2.yml:5: hooks[1].events: must be a list; write [] for an empty one",
			"2.yml:6: hooks[1].url: must be a text",
			"2.yml:7: hooks[1].headers: must be a mapping of names to texts",
			"2.yml:8: hooks[1].auth: must be a mapping with keys out of config, type",
			"2.yml:9: hooks[1].secrets: must be a list; write [] for an empty one",
			"2.yml:10: hooks[1].timeout: must be a duration such as 90s, 15m or 48h",
			"2.yml:11: hooks[1].can_interrupt: must be true or false, without quotes",
			"2.yml:13: hooks[2].events[1]: must be a text",
			"2.yml:15: hooks[2].auth.config: must be a mapping with keys out of in, name, password, user, value",
			`2.yml:18: hooks[2].headers: must have a text for each name; write "" for an empty one`,
			"2.yml:19: hooks[2].headers: has the same name twice, first on line 17; keep one",
			"2.yml:20: hooks[2].headers: must be a mapping of names to texts",
			`2.yml:21: hooks[2].headers: must have a text for each name; write "" for an empty one`,
			"2.yml:22: hooks[2].secrets[0]: must be a text",
			"2.yml:23: courier: must be a mapping with keys out of smtp, template_override_path",
			"2.yml:24: clients.http: must be a mapping with keys out of disallow_private_ip_ranges, private_ip_exception_urls"}},
		{"overridden_list_leaves_no_places", []string{withKey, "serve: {admin: {api_keys: }}"}, []string{
			"2.yml:1: serve.admin.api_keys: must be a list; write [] for an empty one"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, got := load(t, test.files, config.Options{})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadMissingFile(t *testing.T) {
	dir := t.TempDir()
	_, err := config.Load(config.Options{
		Files:   []string{filepath.Join(dir, "none.yml"), dir},
		Environ: []string{"INVITEBRIDGE_LOG_LEVEL=loud"},
	})
	want := []string{
		"none.yml: cannot be read: no such file or directory; check the path and its permissions",
		dir + ": cannot be read: is a directory; check the path and its permissions",
		"INVITEBRIDGE_LOG_LEVEL: log.level: must be one of trace, debug, info, warning, error",
	}
	if diff := cmp.Diff(want, problems(t, err, dir)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestError(t *testing.T) {
	one := &config.Error{Problems: []config.Problem{{Source: "a.yml:3", Key: "log.level", Text: "must be loud"}}}
	if got, want := one.Error(), "the configuration has 1 problem\n  a.yml:3: log.level: must be loud"; got != want {
		t.Errorf("one problem: got %q, want %q", got, want)
	}
	two := &config.Error{Problems: []config.Problem{{Key: "dsn", Text: "x"}, {Source: "a.yml", Text: "y"}}}
	if got, want := two.Error(), "the configuration has 2 problems\n  dsn: x\n  a.yml: y"; got != want {
		t.Errorf("two problems: got %q, want %q", got, want)
	}
}
