package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

func TestEnvironment(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		change  func(*config.Config)
	}{
		{"wins_over_files", []string{"INVITEBRIDGE_LOG_LEVEL=debug"},
			func(c *config.Config) { c.Log.Level = "debug" }},
		{"number_flag_and_duration", []string{
			"INVITEBRIDGE_SERVE_PUBLIC_PORT=5000",
			"INVITEBRIDGE_SELFSERVICE_METHODS_PASSWORD_CONFIG_HAVEIBEENPWNED_ENABLED=false",
			"INVITEBRIDGE_INVITATION_MAX_LIFESPAN=48h",
		}, func(c *config.Config) {
			c.Serve.Public.Port = 5000
			c.Selfservice.Methods.Password.Config.HaveIBeenPwnedEnabled = false
			c.Invitation.MaxLifespan = config.Duration(48 * time.Hour)
		}},
		{"string_is_not_parsed", []string{"INVITEBRIDGE_KRATOS_ADMIN_TOKEN=*a:{#[b'", "INVITEBRIDGE_KRATOS_SCHEMA_ID=a = b: c # d"},
			func(c *config.Config) { c.Kratos.AdminToken, c.Kratos.SchemaID = "*a:{#[b'", "a = b: c # d" }},
		{"empty_string", []string{"INVITEBRIDGE_INVITATION_RETURN_TO="}, nil},
		{"list_is_yaml", []string{"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES=[10.0.0.0/8, '::1']"},
			func(c *config.Config) { c.Serve.Public.TrustedProxies = []string{"10.0.0.0/8", "::1"} }},
		{"list_with_commas", []string{"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES=10.0.0.0/8, fd00::/8"},
			func(c *config.Config) { c.Serve.Public.TrustedProxies = []string{"10.0.0.0/8", "fd00::/8"} }},
		{"list_of_one", []string{"INVITEBRIDGE_CLIENTS_HTTP_PRIVATE_IP_EXCEPTION_URLS=https://x.internal/hook"},
			func(c *config.Config) {
				c.Clients.HTTP.PrivateIPExceptionURLs = []config.Secret{"https://x.internal/hook"}
			}},
		{"list_as_json", []string{`INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES=["10.0.0.0/8","fd00::/8"]`},
			func(c *config.Config) { c.Serve.Public.TrustedProxies = []string{"10.0.0.0/8", "fd00::/8"} }},
		{"list_as_yaml_lines", []string{"INVITEBRIDGE_INVITATION_ALLOWED_INVITER_NAMES=- Node.js Team\n- a, b"},
			func(c *config.Config) { c.Invitation.AllowedInviterNames = []string{"Node.js Team", "a, b"} }},
		{"email_trait", []string{"INVITEBRIDGE_KRATOS_EMAIL_TRAIT=contact.email"},
			func(c *config.Config) { c.Kratos.EmailTrait = config.EmailTraits{"": "contact.email"} }},
		{"email_trait_of_a_schema", []string{"INVITEBRIDGE_KRATOS_EMAIL_TRAIT={customer: contact.email}"},
			func(c *config.Config) { c.Kratos.EmailTrait = config.EmailTraits{"customer": "contact.email"} }},
		{"list_of_mappings_replaces", []string{"INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: a, key: fedcba9876543210}]"},
			func(c *config.Config) {
				c.Serve.Admin.APIKeys = []config.APIKey{{Name: "a", Key: "fedcba9876543210"}}
			}},
		{"keys_about_account_ownership", []string{
			"INVITEBRIDGE_INVITATION_UNACCEPTED_IDENTITIES=at_expiry",
			"INVITEBRIDGE_INVITATION_RENEW=false",
			"INVITEBRIDGE_INVITATION_ALLOWED_INVITER_NAMES=[Node.js Team]",
			"INVITEBRIDGE_KRATOS_CODE_LIFESPAN=15m",
			"INVITEBRIDGE_KRATOS_NEVER_USED_SINCE=2026-01-31T09:00:00Z",
		}, func(c *config.Config) {
			c.Invitation.UnacceptedIdentities = config.UnacceptedAtExpiry
			c.Invitation.Renew = false
			c.Invitation.AllowedInviterNames = []string{"Node.js Team"}
			c.Kratos.CodeLifespan = config.Duration(15 * time.Minute)
			c.Kratos.NeverUsedSince = "2026-01-31T09:00:00Z"
		}},
		{"hooks_are_yaml", []string{"INVITEBRIDGE_HOOKS=[{id: crm, events: [delivery_failed], url: 'https://x.example/hook'}]"},
			func(c *config.Config) { c.Hooks = []config.Hook{minimalHook()} }},
		{"connection_uri_is_not_parsed", []string{
			"INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI=smtp://u:*&'@mail.example:587/?server_name=x",
			"INVITEBRIDGE_COURIER_SMTP_FROM_ADDRESS=a@b.example",
		}, func(c *config.Config) {
			c.Courier.SMTP.ConnectionURI = "smtp://u:*&'@mail.example:587/?server_name=x"
			c.Courier.SMTP.FromAddress = "a@b.example"
		}},
		{"mapping_merges", []string{"INVITEBRIDGE_SERVE={public: {port: 1, rate_limit: {requests: 2}}}"},
			func(c *config.Config) { c.Serve.Public.Port, c.Serve.Public.RateLimit.Requests = 1, 2 }},
		{"narrow_wins_over_wide", []string{"INVITEBRIDGE_LOG_FORMAT=text", "INVITEBRIDGE_LOG={level: debug, format: json}"},
			func(c *config.Config) { c.Log = config.Log{Level: "debug", Format: "text"} }},
		{"last_of_a_name_wins", []string{"INVITEBRIDGE_LOG_LEVEL=debug", "INVITEBRIDGE_LOG_LEVEL=error"},
			func(c *config.Config) { c.Log.Level = "error" }},
		{"ignores_kubernetes_service_links", []string{
			"INVITEBRIDGE_SERVICE_HOST=10.0.0.1",
			"INVITEBRIDGE_SERVICE_PORT=4488",
			"INVITEBRIDGE_SERVICE_PORT_PUBLIC=4488",
			"INVITEBRIDGE_PORT=tcp://10.0.0.1:4488",
			"INVITEBRIDGE_PORT_4488_TCP=tcp://10.0.0.1:4488",
			"INVITEBRIDGE_PORT_4488_TCP_PROTO=tcp",
			"INVITEBRIDGE_ADMIN_SERVICE_HOST=10.0.0.1",
		}, nil},
		{"ignores_kubernetes_service_links_of_another_service", []string{
			"INVITEBRIDGE_KRATOS_PUBLIC_SERVICE_HOST=10.0.0.1",
			"INVITEBRIDGE_KRATOS_PUBLIC_SERVICE_PORT=80",
			"INVITEBRIDGE_KRATOS_PUBLIC_SERVICE_PORT_HTTP=80",
			"INVITEBRIDGE_KRATOS_PUBLIC_PORT=tcp://10.0.0.1:80",
			"INVITEBRIDGE_KRATOS_PUBLIC_PORT_80_TCP=tcp://10.0.0.1:80",
			"INVITEBRIDGE_KRATOS_PUBLIC_PORT_80_TCP_ADDR=10.0.0.1",
		}, nil},
		{"ignores_variables_of_the_command_line", []string{"INVITEBRIDGE_ADMIN_URL=http://x", "INVITEBRIDGE_API_KEY=x"}, nil},
		{"ignores_variables_of_other_programs", []string{"DSN=memory", "LOG_LEVEL=loud", "invitebridge_log_level=loud", "INVITEBRIDGE", "", "=C:=x"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, problems := load(t, []string{withKey, "log: {level: info}"}, config.Options{Environ: test.environ})
			if problems != nil {
				t.Fatalf("problems: %q", problems)
			}
			if diff := cmp.Diff(keyed(test.change), got); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnvironmentRefused(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		want    []string
	}{
		{"unknown_key", []string{"INVITEBRIDGE_SERVE_COLOUR=1"},
			[]string{"INVITEBRIDGE_SERVE_COLOUR: does not name a configuration key; unset it, or correct the name"}},
		{"misspelled_key", []string{"INVITEBRIDGE_SERVE_PUBLIC_PROT=1"},
			[]string{"INVITEBRIDGE_SERVE_PUBLIC_PROT: does not name a configuration key; did you mean INVITEBRIDGE_SERVE_PUBLIC_PORT?"}},
		{"key_of_earlier_versions", []string{"INVITEBRIDGE_INVITATION_DELETE_UNACCEPTED_IDENTITIES=true"},
			[]string{"INVITEBRIDGE_INVITATION_DELETE_UNACCEPTED_IDENTITIES: was replaced by INVITEBRIDGE_INVITATION_UNACCEPTED_IDENTITIES; " + replacedBy}},
		{"key_of_earlier_versions_in_a_mapping", []string{"INVITEBRIDGE_INVITATION={delete_unaccepted_identities: true}"},
			[]string{"INVITEBRIDGE_INVITATION: invitation.delete_unaccepted_identities: was replaced by invitation.unaccepted_identities; " + replacedBy}},
		{"port_that_is_not_a_service_link", []string{"INVITEBRIDGE_SERVE_PORT=4488"},
			[]string{"INVITEBRIDGE_SERVE_PORT: does not name a configuration key; unset it, or correct the name"}},
		{"item_of_a_list", []string{"INVITEBRIDGE_SERVE_ADMIN_API_KEYS_0_KEY=x"},
			[]string{"INVITEBRIDGE_SERVE_ADMIN_API_KEYS_0_KEY: does not name a configuration key; unset it, or correct the name"}},
		{"item_of_hooks", []string{"INVITEBRIDGE_HOOKS_0_URL=x"},
			[]string{"INVITEBRIDGE_HOOKS_0_URL: does not name a configuration key; unset it, or correct the name"}},
		{"bad_hook", []string{"INVITEBRIDGE_HOOKS=[{id: crm, events: [delivery_failed], url: x, headers: {a: [b]}}]"},
			[]string{
				`INVITEBRIDGE_HOOKS: hooks[0].headers: must have one string for each name; write "" for an empty one`,
				"INVITEBRIDGE_HOOKS: hooks[0].url: must be an absolute http or https URL without user and fragment; credentials belong in auth"}},
		{"sender_missing", []string{"INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI=smtp://mail.example"},
			[]string{"courier.smtp.from_address: must be set if courier.smtp.connection_uri is"}},
		{"key_with_a_suffix", []string{"INVITEBRIDGE_DSN_FILE=/x"},
			[]string{"INVITEBRIDGE_DSN_FILE: does not name a configuration key; unset it, or correct the name"}},
		{"wrong_type", []string{"INVITEBRIDGE_SERVE_PUBLIC_PORT=many"},
			[]string{"INVITEBRIDGE_SERVE_PUBLIC_PORT: serve.public.port: must be a whole number, without quotes"}},
		{"wrong_duration", []string{"INVITEBRIDGE_KRATOS_TIMEOUT=10"},
			[]string{"INVITEBRIDGE_KRATOS_TIMEOUT: kratos.timeout: must be a duration such as 90s, 15m or 48h"}},
		{"empty_number", []string{"INVITEBRIDGE_SERVE_PUBLIC_PORT="},
			[]string{"INVITEBRIDGE_SERVE_PUBLIC_PORT: serve.public.port: is empty; set a value, or unset the variable"}},
		{"invalid_list", []string{"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES=[a"},
			[]string{"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES: serve.public.trusted_proxies: is not valid YAML near here: did not find expected ',' or ']'"}},
		{"bad_item_of_a_list_with_commas", []string{"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES=10.0.0.1,,"},
			[]string{
				"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES: serve.public.trusted_proxies[1]: must be an IP address, a network such as 10.0.0.0/8, or unix: for every client of the unix socket",
				"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES: serve.public.trusted_proxies[2]: must be an IP address, a network such as 10.0.0.0/8, or unix: for every client of the unix socket"}},
		{"unknown_key_in_a_mapping", []string{"INVITEBRIDGE_LOG={colour: true}"},
			[]string{"INVITEBRIDGE_LOG: log.colour: is not a known key; remove it, or use one of format, level"}},
		{"bad_value", []string{"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES=[10.0.0.1, x]"},
			[]string{"INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES: serve.public.trusted_proxies[1]: must be an IP address, a network such as 10.0.0.0/8, or unix: for every client of the unix socket"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, got := load(t, []string{withKey}, config.Options{Environ: test.environ})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
