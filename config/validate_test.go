package config_test

import (
	"slices"
	"strings"
	"testing"

	"invitebridge/config"
)

// refusal is a file that Load rejects, with the key that the problem names. If
// schema is set, the JSON schema rejects it too.
type refusal struct {
	name, file, key string
	schema          bool
}

var refusals = slices.Concat(hookRefusals, courierRefusals, pageRefusals, tracingRefusals, []refusal{
	{"dsn/empty", `dsn: ""`, "dsn", true},
	{"dsn/other_store", `dsn: mysql://db.example/invites`, "dsn", true},
	{"dsn/postgres_words", `dsn: "host=db.example dbname=invites"`, "dsn", true},
	{"dsn/postgres_without_database", `dsn: postgres://u:p@db.example/`, "dsn", true},
	{"dsn/postgres_without_path", `dsn: postgres://u:p@db.example`, "dsn", true},
	{"dsn/postgres_fragment", `dsn: "postgres://u:p#q@db.example/invites"`, "dsn", true},
	{"dsn/postgres_slash", `dsn: "postgres://u:/p@db.example/invites"`, "dsn", true},
	{"dsn/postgres_port", `dsn: postgres://u:p@db.example:x/invites`, "dsn", false},
	{"dsn/postgres_escape", `dsn: "postgres://u:p%zz@db.example/invites"`, "dsn", false},
	{"dsn/postgres_space", `dsn: "postgres://u:p q@db.example/invites"`, "dsn", false},
	{"serve/migrate", `serve: {migrate: "yes"}`, "serve.migrate", true},
	{"dsn/relative", `dsn: bolt://invites.db`, "dsn", true},
	{"dsn/directory", `dsn: bolt:///var/lib/`, "dsn", true},
	{"dsn/query", `dsn: bolt:///var/lib/x.db?mode=ro`, "dsn", true},
	{"dsn/line_break", `dsn: "bolt:///var/lib/x\n.db"`, "dsn", false},

	{"socket/relative", `serve: {public: {host: "unix:run/public.sock"}}`, "serve.public.host", true},
	{"socket/empty", `serve: {public: {host: "unix:"}}`, "serve.public.host", false},
	{"socket/directory", `serve: {admin: {host: "unix:/run/"}}`, "serve.admin.host", false},
	{"socket/too_long", `serve: {admin: {host: "unix:/` + strings.Repeat("x", 100) + `"}}`, "serve.admin.host", false},
	{"socket/same", `serve: {public: {host: "unix:/run/x"}, admin: {host: "unix:/run/x"}}`, "serve.admin.host", false},
	{"socket/mode_in_decimal", `serve: {admin: {socket: {mode: 440}}}`, "serve.admin.socket.mode", false},
	{"socket/mode", `serve: {admin: {socket: {mode: 0o1777}}}`, "serve.admin.socket.mode", true},
	{"tls/no_key", `serve: {public: {tls: {cert: {path: /c}}}}`, "serve.public.tls.cert", false},
	{"tls/no_cert", `serve: {admin: {tls: {key: {path: /k}}}}`, "serve.admin.tls.key", false},
	{"tls/relative", `serve: {admin: {tls: {cert: {path: c}, key: {path: /k}}}}`, "serve.admin.tls.cert.path", true},
	{"tls/not_base64", `serve: {admin: {tls: {cert: {base64: "-----BEGIN"}, key: {path: /k}}}}`, "serve.admin.tls.cert.base64", true},
	{"tls/both", `serve: {admin: {tls: {cert: {path: /c, base64: QQ==}, key: {path: /k}}}}`, "serve.admin.tls.cert", false},

	{"base_path/root", `serve: {base_path: /}`, "serve.base_path", true},
	{"base_path/empty", `serve: {base_path: ""}`, "serve.base_path", true},
	{"base_path/relative", `serve: {base_path: api}`, "serve.base_path", true},
	{"base_path/trailing_slash", `serve: {base_path: /api/}`, "serve.base_path", true},
	{"base_path/double_slash", `serve: {base_path: /api//v1}`, "serve.base_path", true},
	{"base_path/dots", `serve: {base_path: /api/../v1}`, "serve.base_path", false},
	{"base_path/pattern", `serve: {base_path: "/api/{x}"}`, "serve.base_path", true},
	{"base_path/space", `serve: {base_path: "/api v1"}`, "serve.base_path", true},
	{"base_path/health", `serve: {base_path: /health}`, "serve.base_path", false},
	{"base_path/version", `serve: {base_path: /version}`, "serve.base_path", false},
	{"base_path/invite", `serve: {base_path: /invite/api}`, "serve.base_path", false},
	{"base_path/metrics", `serve: {base_path: /metrics/prometheus}`, "serve.base_path", false},
	{"base_path/openapi", `serve: {base_path: /openapi.json}`, "serve.base_path", false},

	{"port/negative", `serve: {public: {port: -1}}`, "serve.public.port", true},
	{"port/too_high", `serve: {admin: {port: 65536}}`, "serve.admin.port", true},
	{"port/shared", `serve: {public: {port: 80}, admin: {port: 80}}`, "serve.admin.port", false},
	{"port/shared_by_wildcard", `serve: {public: {port: 80, host: 10.0.0.1}, admin: {port: 80, host: "::"}}`, "serve.admin.port", false},
	{"host/with_port", `serve: {public: {host: "127.0.0.1:80"}}`, "serve.public.host", false},
	{"host/brackets", `serve: {admin: {host: "[::1]"}}`, "serve.admin.host", true},

	{"base_url/empty", `serve: {public: {base_url: ""}}`, "serve.public.base_url", true},
	{"base_url/relative", `serve: {public: {base_url: /x}}`, "serve.public.base_url", true},
	{"base_url/scheme", `serve: {public: {base_url: "ftp://x"}}`, "serve.public.base_url", true},
	{"base_url/no_host", `serve: {public: {base_url: "http:///x"}}`, "serve.public.base_url", true},
	{"base_url/user", `serve: {public: {base_url: "http://me@x"}}`, "serve.public.base_url", true},
	{"base_url/query", `serve: {public: {base_url: "http://x/?"}}`, "serve.public.base_url", true},
	{"base_url/fragment", `serve: {public: {base_url: "http://x/#"}}`, "serve.public.base_url", true},
	{"base_url/port", `serve: {public: {base_url: "http://x:99999"}}`, "serve.public.base_url", false},
	{"base_url/empty_port", `serve: {public: {base_url: "http://x:"}}`, "serve.public.base_url", false},
	{"base_url/bare_ipv6", `serve: {public: {base_url: "http://::1/"}}`, "serve.public.base_url", false},
	{"base_url/space", `serve: {public: {base_url: "http://a b/"}}`, "serve.public.base_url", true},

	{"cors/no_origin", `serve: {public: {cors: {enabled: true, allowed_origins: []}}}`, "serve.public.cors.allowed_origins", false},
	{"cors/path", `serve: {public: {cors: {allowed_origins: ["https://x/"]}}}`, "serve.public.cors.allowed_origins[0]", true},
	{"cors/capitals", `serve: {public: {cors: {allowed_origins: ["*", "https://X"]}}}`, "serve.public.cors.allowed_origins[1]", true},
	{"cors/default_port", `serve: {public: {cors: {allowed_origins: ["https://x:443"]}}}`, "serve.public.cors.allowed_origins[0]", false},
	{"cors/bare_host", `serve: {public: {cors: {allowed_origins: [x.example]}}}`, "serve.public.cors.allowed_origins[0]", true},
	{"cors/wildcard", `serve: {public: {cors: {allowed_origins: ["https://*.x"]}}}`, "serve.public.cors.allowed_origins[0]", false},
	{"trusted_proxies/name", `serve: {public: {trusted_proxies: [proxy]}}`, "serve.public.trusted_proxies[0]", true},
	{"trusted_proxies/length", `serve: {public: {trusted_proxies: [10.0.0.0/33]}}`, "serve.public.trusted_proxies[0]", false},
	{"trusted_proxies/zone", `serve: {public: {trusted_proxies: ["fe80::1%eth0"]}}`, "serve.public.trusted_proxies[0]", true},
	{"trusted_proxies/mapped", `serve: {public: {trusted_proxies: ["::ffff:10.0.0.1"]}}`, "serve.public.trusted_proxies[0]", false},
	{"trusted_proxies/mapped_network", `serve: {public: {trusted_proxies: ["::ffff:10.0.0.0/104"]}}`, "serve.public.trusted_proxies[0]", false},
	{"rate_limit/requests", `serve: {public: {rate_limit: {requests: -1}}}`, "serve.public.rate_limit.requests", true},
	{"rate_limit/window", `serve: {public: {rate_limit: {window: 0s}}}`, "serve.public.rate_limit.window", false},

	{"api_keys/none", `serve: {admin: {api_keys: []}}`, "serve.admin.api_keys", false},
	{"api_keys/no_name", `serve: {admin: {api_keys: [{key: 0123456789abcdef}]}}`, "serve.admin.api_keys[0].name", true},
	{"api_keys/name_with_a_space", `serve: {admin: {api_keys: [{name: a b, key: 0123456789abcdef}]}}`, "serve.admin.api_keys[0].name", true},
	{"api_keys/same_name", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef}, {name: a, key: 0123456789abcdeg}, {name: a, key: 0123456789abcdeh}]}}`, "serve.admin.api_keys[2].name", false},
	{"api_keys/no_scope", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: []}]}}`, "serve.admin.api_keys[0].scopes", true},
	{"api_keys/unknown_scope", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: [read, write]}]}}`, "serve.admin.api_keys[0].scopes[1]", true},
	{"api_keys/same_scope", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: [read, read]}]}}`, "serve.admin.api_keys[0].scopes[1]", true},
	{"api_keys/zero_expiry", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, expires_at: "0001-01-01T00:00:00Z"}]}}`, "serve.admin.api_keys[0].expires_at", false},
	{"api_keys/expiry_without_time", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, expires_at: "2026-01-31"}]}}`, "serve.admin.api_keys[0].expires_at", true},
	{"api_keys/rate_limit/requests", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, rate_limit: {requests: -1}}]}}`, "serve.admin.api_keys[0].rate_limit.requests", true},
	{"api_keys/rate_limit/window", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, rate_limit: {requests: 1, window: 0s}}]}}`, "serve.admin.api_keys[0].rate_limit.window", false},
	{"api_keys/rate_limit/of_one_name", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, rate_limit: {requests: 1}}, {name: b, key: 0123456789abcdeg}, {name: a, key: 0123456789abcdeh}]}}`, "serve.admin.api_keys[2].rate_limit", false},
	{"api_keys/max_pending/negative", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: [invite], max_pending: -1}]}}`, "serve.admin.api_keys[0].max_pending", true},
	{"api_keys/max_pending/all_scopes", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, max_pending: 1}]}}`, "serve.admin.api_keys[0].max_pending", false},
	{"api_keys/max_pending/import", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: [invite, import], max_pending: 1}]}}`, "serve.admin.api_keys[0].max_pending", false},
	{"api_keys/max_pending/of_one_name", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: [invite], max_pending: 1}, {name: a, key: 0123456789abcdeg, scopes: [invite], max_pending: 2}]}}`, "serve.admin.api_keys[1].max_pending", false},
	{"api_keys/no_key", `serve: {admin: {api_keys: [{name: a}]}}`, "serve.admin.api_keys[0]", true},
	{"api_keys/both_kinds", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, key_sha256: "` + digest + `"}]}}`, "serve.admin.api_keys[0]", true},
	{"api_keys/short", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcde}]}}`, "serve.admin.api_keys[0].key", true},
	{"api_keys/space", `serve: {admin: {api_keys: [{name: a, key: "0123456789 abcdef"}]}}`, "serve.admin.api_keys[0].key", true},
	{"api_keys/not_ascii", `serve: {admin: {api_keys: [{name: a, key: 0123456789äöüabcdef}]}}`, "serve.admin.api_keys[0].key", true},
	{"api_keys/short_digest", `serve: {admin: {api_keys: [{name: a, key_sha256: "00"}]}}`, "serve.admin.api_keys[0].key_sha256", true},
	{"api_keys/same_key", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef}, {name: b, key: 0123456789abcdef}]}}`, "serve.admin.api_keys[1]", false},
	{"api_keys/same_key_as_digest", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef}, {name: b, key_sha256: "` + strings.ToUpper(digest) + `"}]}}`, "serve.admin.api_keys[1]", false},

	{"kratos/public_url", `kratos: {public_url: kratos}`, "kratos.public_url", true},
	{"kratos/admin_url", `kratos: {admin_url: "http://kratos?x"}`, "kratos.admin_url", true},
	{"kratos/admin_token", `kratos: {admin_token: "x\n"}`, "kratos.admin_token", false},
	{"kratos/schema_id", `kratos: {schema_id: ""}`, "kratos.schema_id", true},
	{"kratos/email_trait_empty", `kratos: {email_trait: ""}`, "kratos.email_trait", true},
	{"kratos/email_trait_list", `kratos: {email_trait: [email]}`, "kratos.email_trait", true},
	{"kratos/email_trait_of_a_schema_dots", `kratos: {email_trait: {customer: contact..email}}`, "kratos.email_trait", true},
	{"kratos/email_trait_of_a_schema_empty", `kratos: {email_trait: {customer: ""}}`, "kratos.email_trait", true},
	{"kratos/email_trait_of_a_schema_without_id", `kratos: {email_trait: {"": email}}`, "kratos.email_trait", true},
	{"kratos/email_trait_of_a_schema_deeper", `kratos: {email_trait: {customer: {contact: email}}}`, "kratos.email_trait", true},
	{"kratos/email_trait_dots", `kratos: {email_trait: contact..email}`, "kratos.email_trait", true},
	{"kratos/timeout_short", `kratos: {timeout: 999ms}`, "kratos.timeout", false},
	{"kratos/timeout_long", `kratos: {timeout: 61s}`, "kratos.timeout", false},

	{"kratos/code_lifespan_none", `kratos: {code_lifespan: 0s}`, "kratos.code_lifespan", false},
	{"kratos/code_lifespan_short", `kratos: {code_lifespan: 59s}`, "kratos.code_lifespan", false},
	{"kratos/code_lifespan_long", `kratos: {code_lifespan: 721h}`, "kratos.code_lifespan", false},
	{"kratos/never_used_since_date", `kratos: {never_used_since: "2026-01-31"}`, "kratos.never_used_since", true},
	{"kratos/never_used_since_no_zone", `kratos: {never_used_since: 2026-01-31T09:00:00}`, "kratos.never_used_since", true},
	{"kratos/never_used_since_space", `kratos: {never_used_since: "2026-01-31 09:00:00Z"}`, "kratos.never_used_since", true},
	{"kratos/never_used_since_no_day", `kratos: {never_used_since: "2026-02-30T09:00:00Z"}`, "kratos.never_used_since", false},

	{"invitation/unaccepted_identities", `invitation: {unaccepted_identities: delete}`, "invitation.unaccepted_identities", true},
	{"invitation/unaccepted_identities_empty", `invitation: {unaccepted_identities: ""}`, "invitation.unaccepted_identities", true},
	{"invitation/unaccepted_identities_flag", `invitation: {unaccepted_identities: true}`, "invitation.unaccepted_identities", true},
	{"invitation/renew", `invitation: {renew: "no"}`, "invitation.renew", true},
	{"allowed_inviter_names/empty", `invitation: {allowed_inviter_names: [Node.js Team, ""]}`, "invitation.allowed_inviter_names[1]", true},
	{"allowed_inviter_names/long", `invitation: {allowed_inviter_names: [` + strings.Repeat("x", 257) + `]}`, "invitation.allowed_inviter_names[0]", true},
	{"allowed_inviter_names/long_in_bytes", `invitation: {allowed_inviter_names: [` + strings.Repeat("ä", 129) + `]}`, "invitation.allowed_inviter_names[0]", false},
	{"allowed_inviter_names/line_break", `invitation: {allowed_inviter_names: ["Node.js\nTeam"]}`, "invitation.allowed_inviter_names[0]", true},
	{"allowed_inviter_names/control", `invitation: {allowed_inviter_names: ["Node.js\u0085Team"]}`, "invitation.allowed_inviter_names[0]", true},
	{"invitation/lifespan", `invitation: {lifespan: 0s}`, "invitation.lifespan", false},
	{"invitation/lifespan_too_long", `invitation: {lifespan: 2h, max_lifespan: 1h}`, "invitation.lifespan", false},
	{"import/max_size_small", `import: {max_size: 0KiB}`, "import.max_size", false},
	{"import/max_size_large", `import: {max_size: 5GiB}`, "import.max_size", false},
	{"import/max_size_number", `import: {max_size: 1000000}`, "import.max_size", true},
	{"invitation/cooldown", `invitation: {cooldown: -1m}`, "invitation.cooldown", true},
	{"reminders/text", `invitation: {reminders: 72h}`, "invitation.reminders", true},
	{"reminders/zero", `invitation: {reminders: [72h, 0s]}`, "invitation.reminders[1]", false},
	{"reminders/negative", `invitation: {reminders: [-1h]}`, "invitation.reminders[0]", true},
	{"reminders/too_many", `invitation: {reminders: [6h, 5h, 4h, 3h, 2h, 1h]}`, "invitation.reminders", true},
	{"reminders/twice", `invitation: {reminders: [24h, 24h]}`, "invitation.reminders[1]", true},
	{"reminders/never", `invitation: {max_lifespan: 72h, reminders: [24h, 72h]}`, "invitation.reminders[1]", false},
	{"quiet_hours/no_zone", `invitation: {quiet_hours: "22:00-07:00"}`, "invitation.quiet_hours", true},
	{"quiet_hours/unknown_zone", `invitation: {quiet_hours: "22:00-07:00 Europe/Atlantis"}`, "invitation.quiet_hours", false},
	{"quiet_hours/local_zone", `invitation: {quiet_hours: "22:00-07:00 Local"}`, "invitation.quiet_hours", false},
	{"quiet_hours/path", `invitation: {quiet_hours: "22:00-07:00 ../zone"}`, "invitation.quiet_hours", true},
	{"quiet_hours/hour", `invitation: {quiet_hours: "24:00-07:00 UTC"}`, "invitation.quiet_hours", true},
	{"quiet_hours/digits", `invitation: {quiet_hours: "22:00-7:00 UTC"}`, "invitation.quiet_hours", true},
	{"quiet_hours/empty_period", `invitation: {quiet_hours: "07:00-07:00 UTC"}`, "invitation.quiet_hours", false},
	{"invitation/retention", `invitation: {retention: 95h}`, "invitation.retention", false},
	{"link_url/no_token", `invitation: {link_url: "https://x/join"}`, "invitation.link_url", true},
	{"link_url/two_tokens", `invitation: {link_url: "https://x/{token}/{token}"}`, "invitation.link_url", true},
	{"link_url/other_braces", `invitation: {link_url: "https://x/{token}/{lang}"}`, "invitation.link_url", true},
	{"link_url/relative", `invitation: {link_url: "/join/{token}"}`, "invitation.link_url", true},
	{"link_url/scheme", `invitation: {link_url: "myapp://join/{token}"}`, "invitation.link_url", true},
	{"link_url/token_in_host", `invitation: {link_url: "https://{token}.x/"}`, "invitation.link_url", true},
	{"link_url/token_in_user", `invitation: {link_url: "https://{token}@x/"}`, "invitation.link_url", true},
	{"link_url/token_in_port", `invitation: {link_url: "https://x:{token}/"}`, "invitation.link_url", true},
	{"return_to/relative", `invitation: {return_to: /welcome}`, "invitation.return_to", true},
	{"return_to/no_scheme", `invitation: {return_to: //x/welcome}`, "invitation.return_to", true},
	{"return_to/no_host", `invitation: {return_to: "https:///welcome"}`, "invitation.return_to", true},
	{"return_to/script", `invitation: {return_to: "JavaScript://x/%0aalert(1)"}`, "invitation.return_to", false},
	{"return_to/user", `invitation: {return_to: "https://good.example@evil.example/"}`, "invitation.return_to", true},
	{"allowed_return_urls/query", `invitation: {allowed_return_urls: ["https://x/?a"]}`, "invitation.allowed_return_urls[0]", true},
	{"allowed_return_urls/fragment", `invitation: {allowed_return_urls: ["https://x/#a"]}`, "invitation.allowed_return_urls[0]", true},
	{"allowed_return_urls/user", `invitation: {allowed_return_urls: ["https://x/", "https://u@x/"]}`, "invitation.allowed_return_urls[1]", true},
	{"allowed_return_urls/no_host", `invitation: {allowed_return_urls: ["myapp:callback"]}`, "invitation.allowed_return_urls[0]", true},
	{"allowed_return_urls/app_without_slash", `invitation: {allowed_return_urls: ["com.example.app:cb"]}`, "invitation.allowed_return_urls[0]", true},
	{"allowed_return_urls/app_with_empty_host", `invitation: {allowed_return_urls: ["com.example.app:///cb"]}`, "invitation.allowed_return_urls[0]", true},
	{"allowed_return_urls/app_without_domain", `invitation: {allowed_return_urls: ["myapp:/cb"]}`, "invitation.allowed_return_urls[0]", true},
	{"allowed_return_urls/app_with_dots", `invitation: {allowed_return_urls: ["com.example.app:/a/../b"]}`, "invitation.allowed_return_urls[0]", false},
	{"return_to/app_without_domain", `invitation: {return_to: "myapp:/cb"}`, "invitation.return_to", true},
	{"allowed_return_urls/dots", `invitation: {allowed_return_urls: ["https://x/a/../b"]}`, "invitation.allowed_return_urls[0]", false},
	{"allowed_return_urls/letters", `invitation: {allowed_return_urls: ["https://x/café"]}`, "invitation.allowed_return_urls[0]", false},
	{"allowed_return_urls/data", `invitation: {allowed_return_urls: ["data://x/text"]}`, "invitation.allowed_return_urls[0]", false},
	{"allowed_return_urls/empty", `invitation: {allowed_return_urls: [""]}`, "invitation.allowed_return_urls[0]", true},

	{"password/too_short", `selfservice: {methods: {password: {config: {min_password_length: 5}}}}`, "selfservice.methods.password.config.min_password_length", true},
	{"password/too_long", `selfservice: {methods: {password: {config: {min_password_length: 73}}}}`, "selfservice.methods.password.config.min_password_length", true},
	{"password/breaches", `selfservice: {methods: {password: {config: {max_breaches: -1}}}}`, "selfservice.methods.password.config.max_breaches", true},
	{"password/host_url", `selfservice: {methods: {password: {config: {haveibeenpwned_host: "https://x"}}}}`, "selfservice.methods.password.config.haveibeenpwned_host", true},
	{"password/host_path", `selfservice: {methods: {password: {config: {haveibeenpwned_host: x/y}}}}`, "selfservice.methods.password.config.haveibeenpwned_host", true},
	{"password/host_empty", `selfservice: {methods: {password: {config: {haveibeenpwned_host: ""}}}}`, "selfservice.methods.password.config.haveibeenpwned_host", true},

	{"log/level", `log: {level: warn}`, "log.level", true},
	{"log/format", `log: {format: JSON}`, "log.format", true},
})

// digest is the SHA-256 digest of the key 0123456789abcdef.
const digest = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"

func TestValidate(t *testing.T) {
	for _, refusal := range refusals {
		t.Run(refusal.name, func(t *testing.T) {
			_, got := load(t, []string{withKey, refusal.file}, config.Options{})
			place := "2.yml:1: " + refusal.key + ": must "
			if len(got) != 1 || !strings.HasPrefix(got[0], place) {
				t.Errorf("problems: got %q, want one with the prefix %q", got, place)
			}
		})
	}
}
