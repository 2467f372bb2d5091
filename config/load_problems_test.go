package config_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

// topLevel lists the top-level keys.
const topLevel = "clients, courier, dsn, hooks, import, invitation, inviters, kratos, log, page, selfservice, serve, tracing"

// replacedBy explains how to translate the values of
// invitation.delete_unaccepted_identities.
const replacedBy = "write at_expiry instead of true; instead of false write keep, or omit it for the default, at_purge"

func TestLoadProblems(t *testing.T) {
	tests := []struct {
		name  string
		files []string
		want  []string
	}{
		{"no_api_key", []string{"{}"}, []string{
			"serve.admin.api_keys: must have at least one key, such as {name: backend, key: …}; generate one with: openssl rand -hex 32"}},
		{"unknown_key", []string{withKey + "log:\n  colour: true\n"}, []string{
			"1.yml:3: log.colour: is not a known key; remove it, or use one of format, level"}},
		{"misspelled_key", []string{withKey + "kratos:\n  amdin_url: x\nlgo: {}\n"}, []string{
			"1.yml:3: kratos.amdin_url: is not a known key; did you mean admin_url?",
			"1.yml:4: lgo: is not a known key; remove it, or use one of " + topLevel}},
		{"section_of_kratos", []string{withKey + "oauth2_provider: {url: x}\nciphers: {}\n"}, []string{
			"1.yml:2: oauth2_provider: is not a known key; remove it, or use one of " + topLevel,
			"1.yml:3: ciphers: is not a known key; remove it, or use one of " + topLevel}},
		{"secret_at_the_top_level", []string{withKey + "deadbeef0123: x\nwhsec_MfKQ9r8G: x\n"}, []string{
			"1.yml:2: has an unknown key here; remove it, or use one of " + topLevel,
			"1.yml:3: has an unknown key here; remove it, or use one of " + topLevel}},
		{"unknown_key_beside_secrets", []string{withKey, "serve:\n  admin:\n    correcthorse:\n    api_keys:\n      - name: a\n        key: 0123456789abcdef\n        batterystaple:\n"}, []string{
			"2.yml:3: serve.admin: has an unknown key here; remove it, or use one of api_keys, host, port, socket, tls",
			"2.yml:7: serve.admin.api_keys[0]: has an unknown key here; remove it, or use one of expires_at, key, key_sha256, max_pending, name, rate_limit, scopes"}},
		{"unknown_key_beside_secrets_of_hooks_and_mail", []string{withKey, "courier:\n  correcthorse:\n  smtp:\n    batterystaple:\n" +
			"clients:\n  horsecorrect:\nhooks:\n- id: crm\n  events: [delivery_failed]\n  url: https://x\n  auth:\n    staplebattery:\n    tpye: api_key\n"}, []string{
			"2.yml:2: courier: has an unknown key here; remove it, or use one of smtp, template_override_path",
			"2.yml:4: courier.smtp: has an unknown key here; remove it, or use one of connection_uri, from_address, from_name, local_name, reply_to_inviter",
			"2.yml:6: clients: has an unknown key here; remove it, or use one of http",
			"2.yml:12: hooks[0].auth: has an unknown key here; remove it, or use one of config, type",
			"2.yml:13: hooks[0].auth: has an unknown key here; remove it, or use one of config, type"}},
		{"key_of_earlier_versions", []string{withKey + "invitation:\n  delete_unaccepted_identities: false\n"}, []string{
			"1.yml:3: invitation.delete_unaccepted_identities: was replaced by invitation.unaccepted_identities; " + replacedBy}},
		{"key_of_earlier_versions_elsewhere", []string{withKey, "delete_unaccepted_identities: true"}, []string{
			"2.yml:1: delete_unaccepted_identities: is not a known key; remove it, or use one of " + topLevel}},
		{"key_that_is_not_a_string", []string{withKey + "? [a, b]\n: c\n"}, []string{
			"1.yml:2: has an unknown key here; remove it, or use one of " + topLevel}},
		{"merge_key", []string{withKey + "log: &a {level: info}\nkratos: {<<: *a}\n"}, []string{
			"1.yml:3: kratos: has an unknown key here; remove it, or use one of " +
				"admin_token, admin_url, code_lifespan, email_trait, never_used_since, public_url, schema_id, timeout"}},
		{"duplicate_key", []string{withKey + "log:\n  level: info\n  level: debug\nlog: {}\n"}, []string{
			"1.yml:4: log.level: is set twice, first on line 3; keep one",
			"1.yml:5: log: is set twice, first on line 2; keep one"}},
		{"second_document", []string{withKey + "---\nlog: {}\n"}, []string{
			"1.yml:2: begins a second YAML document; keep one, or move the other to a separate file"}},
		{"invalid_second_document", []string{withKey + "---\n}\n"}, []string{
			"1.yml:2: is not valid YAML near here: did not find expected node content"}},
		{"invalid_yaml", []string{withKey, "log: {level: info\n"}, []string{
			"2.yml:1: is not valid YAML near here: did not find expected ',' or '}'"}},
		{"invalid_file_may_hold_the_api_key", []string{"serve: [", "log: {level: loud}"}, []string{
			"1.yml:1: is not valid YAML near here: did not find expected node content",
			"2.yml:1: log.level: must be one of trace, debug, info, warning, error"}},
		{"not_text", []string{withKey, "\x00\x01"}, []string{
			"2.yml: is not valid YAML near here: control characters are not allowed"}},
		{"empty_file", []string{withKey, "", "# nothing\n"}, []string{
			"2.yml: is empty; write {} if that is intended",
			"3.yml: is empty; write {} if that is intended"}},
		{"not_a_mapping", []string{withKey, "- dsn\n"}, []string{
			"2.yml:1: must be a mapping with keys from this list: " + topLevel}},
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
			"2.yml:2: dsn: must be a string",
			"2.yml:5: serve.public.port: must be a whole number, without quotes",
			"2.yml:6: serve.public.trusted_proxies: must be a list, such as [ a, b ]; write [] for an empty one",
			"2.yml:7: serve.public.cors.enabled: must be true or false, without quotes",
			"2.yml:7: serve.public.cors.allowed_origins: must be a list, such as [ a, b ]; write [] for an empty one",
			"2.yml:8: serve.public.rate_limit: must be a mapping with keys from this list: requests, window",
			"2.yml:10: kratos.timeout: must be a duration such as 90s, 15m or 48h",
			`2.yml:11: kratos.schema_id: has no value; set one, or write "" for an empty string`,
			"2.yml:12: kratos.email_trait: must be a dotted path inside the traits, such as email or contact.email, or a mapping of such paths by the ids of their schemas",
			"2.yml:13: selfservice.methods.password.config.max_breaches: must be a whole number, without quotes"}},
		{"tags_that_contradict_the_value", []string{withKey, "dsn: !!str [a]\nkratos: !!null {timeout: 1h}\nserve: {public: {port: !!int {a: b}}}\n"}, []string{
			"2.yml:1: dsn: must be a string",
			"2.yml:3: serve.public.port: must be a whole number, without quotes",
			"2.yml:2: kratos.timeout: must be from 1s to 60s"}},
		{"everything_at_once", []string{"log: {level: loud}\ncolour: 1\n", "serve:\n  public:\n    port: -1\n  admin:\n    api_keys:\n      - name: a\n"}, []string{
			"1.yml:2: colour: is not a known key; remove it, or use one of " + topLevel,
			"2.yml:3: serve.public.port: must be from 1 to 65535, or 0 for any free port",
			"2.yml:6: serve.admin.api_keys[0]: must have either key or key_sha256, but not both",
			"1.yml:1: log.level: must be one of trace, debug, info, warning, error"}},
		{"place_of_a_missing_key_is_the_item", []string{"serve:\n  admin:\n    api_keys:\n      - key: 0123456789abcdef\n"}, []string{
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
			"2.yml:3: hooks[0]: must be a mapping with keys from this list: audit, auth, body, can_interrupt, events, headers, id, method, secrets, timeout, url",
			"2.yml:4: hooks[1].id: must be a string",
			"2.yml:5: hooks[1].events: must be a list, such as [ a, b ]; write [] for an empty one",
			"2.yml:6: hooks[1].url: must be a string",
			"2.yml:7: hooks[1].headers: must be a mapping of names to strings",
			"2.yml:8: hooks[1].auth: must be a mapping with keys from this list: config, type",
			"2.yml:9: hooks[1].secrets: must be a list, such as [ a, b ]; write [] for an empty one",
			"2.yml:10: hooks[1].timeout: must be a duration such as 90s, 15m or 48h",
			"2.yml:11: hooks[1].can_interrupt: must be true or false, without quotes",
			"2.yml:13: hooks[2].events[1]: must be a string",
			"2.yml:15: hooks[2].auth.config: must be a mapping with keys from this list: in, name, password, user, value",
			`2.yml:18: hooks[2].headers: must have one string for each name; write "" for an empty one`,
			"2.yml:19: hooks[2].headers: has the same name twice, first on line 17; keep one",
			"2.yml:20: hooks[2].headers: must be a mapping of names to strings",
			`2.yml:21: hooks[2].headers: must have one string for each name; write "" for an empty one`,
			"2.yml:22: hooks[2].secrets[0]: must be a string",
			"2.yml:23: courier: must be a mapping with keys from this list: smtp, template_override_path",
			"2.yml:24: clients.http: must be a mapping with keys from this list: disallow_private_ip_ranges, private_ip_exception_urls"}},
		{"replaced_list_leaves_no_origins", []string{withKey, "serve: {admin: {api_keys: }}"}, []string{
			"2.yml:1: serve.admin.api_keys: must be a list, such as [ a, b ]; write [] for an empty one"}},
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
