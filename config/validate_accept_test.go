package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

// acceptance is a file that Load accepts together with withKey.
type acceptance struct{ name, file string }

var acceptances = slices.Concat(hookAcceptances, courierAcceptances, pageAcceptances, []acceptance{
	{"dsn/postgres", `dsn: "postgres://u:p%40ss@db.example:5432/invites?sslmode=verify-full&max_conns=20"`},
	{"dsn/postgresql", `dsn: postgresql://db.example/invites`},
	{"dsn/postgres_hosts", `dsn: "postgres://u:p@a.example:5432,b.example:5433/invites?target_session_attrs=read-write"`},
	{"dsn/postgres_socket", `dsn: "postgres:///invites?host=/run/postgresql"`},
	{"serve/migrate", `serve: {migrate: true}`},
	{"reminders", `invitation: {reminders: [72h, 24h, 90m, 1h, 1s]}`},
	{"quiet_hours", `invitation: {quiet_hours: "22:00-07:00 Europe/Berlin"}`},
	{"quiet_hours/utc", `invitation: {quiet_hours: "00:00-23:59 UTC"}`},
	{"any_free_port", `serve: {public: {port: 0}, admin: {port: 0}}`},
	{"one_port_on_two_hosts", `serve: {public: {port: 80, host: 10.0.0.1}, admin: {port: 80, host: localhost}}`},
	{"unix_sockets", `serve: {public: {host: "unix:/run/b/public.sock", socket: {owner: www-data, group: "33", mode: 0o660}, trusted_proxies: ["unix:"]}, admin: {host: "unix:/run/b/admin.sock"}}`},
	{"one_socket", `serve: {public: {host: "unix:/run/b/public.sock", port: 4489}}`},
	{"tls_files", `serve: {public: {tls: {cert: {path: /etc/tls/tls.crt}, key: {path: /etc/tls/tls.key}}}}`},
	{"tls_base64", `serve: {admin: {tls: {cert: {base64: QQ==}, key: {path: /etc/tls/tls.key}}}}`},
	{"hosts", `serve: {public: {host: "::1"}, admin: {host: invite_bridge.internal}}`},
	{"short_base_path", `serve: {base_path: /i}`},
	{"base_path_with_a_reserved_prefix", `serve: {base_path: /invites}`},
	{"base_url_with_path", `serve: {public: {base_url: "https://x.example:8443/join/"}}`},
	{"base_url_ipv6", `serve: {public: {base_url: "http://[::1]:4488"}}`},
	{"origins", `serve: {public: {cors: {enabled: true, allowed_origins: ["*", "https://x.example:8443", "http://[::1]:3000", "capacitor://localhost"]}}}`},
	{"proxies", `serve: {public: {trusted_proxies: [10.0.0.1, 10.0.0.0/8, "::1", "fd00::/8"]}}`},
	{"no_rate_limit", `serve: {public: {rate_limit: {requests: 0}}}`},
	{"keys", `serve: {admin: {api_keys: [{name: A.b-c_1, key: "!~34567890123456"}, {name: b, key_sha256: "` + strings.ToUpper(digest) + `"}]}}`},
	{"keys/scopes", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: [read, metrics], expires_at: "2026-01-31T09:00:00Z"}, {name: a, key: 0123456789abcdeg}]}}`},
	{"keys/limits", `serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: [invite], rate_limit: {requests: 20, window: 1h}, max_pending: 50}, {name: b, key: 0123456789abcdeg, rate_limit: {requests: 5}}, {name: b, key: 0123456789abcdeh, rate_limit: {requests: 5, window: 60s}}]}}`},
	{"email_trait_of_schemas", `kratos: {email_trait: {customer: contact.email, "preset://email": email}}`},
	{"email_trait_by_the_schema", `kratos: {email_trait: {}}`},
	{"email_trait", `kratos: {email_trait: contact.primary-email.0}`},
	{"shortest_timeout", `kratos: {timeout: 1s}`},
	{"longest_timeout", `kratos: {timeout: 1m}`},
	{"shortest_code_lifespan", `kratos: {code_lifespan: 1m}`},
	{"longest_code_lifespan", `kratos: {code_lifespan: 720h}`},
	{"never_used_since", `kratos: {never_used_since: 2026-01-31T09:00:00Z}`},
	{"never_used_since_as_text", `kratos: {never_used_since: "2026-01-31T18:00:00.123456789+09:00"}`},
	{"never_used_since_empty", `kratos: {never_used_since: ""}`},
	{"unaccepted_keep", `invitation: {unaccepted_identities: keep}`},
	{"unaccepted_at_purge", `invitation: {unaccepted_identities: at_purge}`},
	{"unaccepted_at_expiry", `invitation: {unaccepted_identities: at_expiry}`},
	{"no_renewal", `invitation: {renew: false}`},
	{"allowed_inviter_names", `invitation: {allowed_inviter_names: [Node.js Team, ` + strings.Repeat("ä", 128) + `]}`},
	{"longest_lifespan", `invitation: {lifespan: 1h30m, max_lifespan: 90m}`},
	{"link_in_path", `invitation: {link_url: "https://x.example/{token}"}`},
	{"link_in_query", `invitation: {link_url: "http://x.example?token={token}&lang=de"}`},
	{"link_in_fragment", `invitation: {link_url: "https://x.example/join#{token}"}`},
	{"return_to", `invitation: {return_to: "https://x.example/welcome?from=invite#top"}`},
	{"return_to_app", `invitation: {return_to: "myapp://callback"}`},
	{"return_to_app_by_domain", `invitation: {return_to: "com.example.app:/cb?from=invite"}`},
	{"return_to_app_by_domain_alone", `invitation: {return_to: "com.example.app:/"}`},
	{"return_url_of_app_by_domain", `invitation: {allowed_return_urls: ["com.example.app:/cb", "com.example.app:/"]}`},
	{"spaces_in_display_texts", `{page: {title: "ACME "}, courier: {smtp: {from_name: " ACME"}}, invitation: {allowed_inviter_names: ["Node.js "]}}`},
	{"spaces_in_paths", `{dsn: "bolt:///var/lib/my data/x.db", page: {logo_path: "/etc/my logo.png"}}`},
	{"host_in_ascii", `serve: {public: {base_url: "https://xn--klle-5qa.example"}}`},
	{"return_urls", `invitation: {allowed_return_urls: ["https://x.example", "http://127.0.0.1:3000/a/b", "com.example.app://callback/done"]}`},
	{"shortest_min_password_length", `selfservice: {methods: {password: {config: {min_password_length: 6}}}}`},
	{"longest_min_password_length", `selfservice: {methods: {password: {config: {min_password_length: 72}}}}`},
	{"breach_host", `selfservice: {methods: {password: {config: {haveibeenpwned_host: "127.0.0.1:8080"}}}}`},
})

func TestValidateAccepts(t *testing.T) {
	for _, acceptance := range acceptances {
		t.Run(acceptance.name, func(t *testing.T) {
			if _, got := load(t, []string{withKey, acceptance.file}, config.Options{}); got != nil {
				t.Errorf("problems: %q", got)
			}
		})
	}
	for _, level := range []string{"trace", "debug", "info", "warning", "error"} {
		t.Run("level_"+level, func(t *testing.T) {
			if _, got := load(t, []string{withKey, "log: {level: " + level + "}"}, config.Options{}); got != nil {
				t.Errorf("problems: %q", got)
			}
		})
	}
}

func TestValidateInCode(t *testing.T) {
	if err := keyed(nil).Validate(); err != nil {
		t.Errorf("defaults with a key: %v", err)
	}
	err := config.Default().Validate()
	want := []string{"serve.admin.api_keys: must have at least one key, such as {name: backend, key: …}; generate one with: openssl rand -hex 32"}
	if diff := cmp.Diff(want, problems(t, err, "")); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if found := problems(t, config.Config{}.Validate(), ""); len(found) < 10 {
		t.Errorf("the zero value has only these problems: %q", found)
	}
}
