package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"invitebridge/config"
)

// canary takes the place of a secret.
const canary = "CaNaRy-secret-value"

func TestSecretsNeverQuoted(t *testing.T) {
	files := map[string]string{
		"key_with_a_space":          "serve: {admin: {api_keys: [{name: a, key: 'CANARY x'}]}}",
		"key_of_a_wrong_type":       "serve: {admin: {api_keys: [{name: a, key: [CANARY]}]}}",
		"key_as_a_mapping":          "serve: {admin: {api_keys: [{name: a, key: {CANARY: CANARY}}]}}",
		"key_as_a_tagged_port":      "serve: {public: {port: !!int CANARY}}",
		"key_as_binary":             "serve: {admin: {api_keys: [{name: a, key: !!binary CANARY}]}}",
		"key_as_an_alias":           "serve: {admin: {api_keys: [{name: a, key: *CANARY }]}}",
		"key_as_an_anchor":          "serve: {admin: {api_keys: [{name: a, key: &CANARY }]}}",
		"key_as_a_custom_tag":       "serve: {admin: {api_keys: [{name: a, key: !CANARY }]}}",
		"key_under_a_tag_handle":    "serve: {admin: {api_keys: [{name: a, key: !CANARY!x y}]}}",
		"key_where_a_name_belongs":  "serve: {admin: {api_keys: [{name: a, CANARY: key}]}}",
		"key_where_a_mapping_is":    "serve: {admin: {api_keys: [CANARY]}}",
		"keys_as_a_mapping":         "serve: {admin: {api_keys: {CANARY: CANARY}}}",
		"keys_as_a_string":          "serve: {admin: {api_keys: CANARY}}",
		"key_as_its_own_digest":     "serve: {admin: {api_keys: [{name: a, key_sha256: CANARY}]}}",
		"key_twice":                 "serve: {admin: {api_keys: [{name: a, key: CANARY, key: CANARY}]}}",
		"key_of_two_callers":        "serve: {admin: {api_keys: [{name: a, key: CANARY}, {name: b, key: CANARY}]}}",
		"key_as_a_name":             "serve: {admin: {api_keys: [{name: 'CANARY CANARY', key: CANARY}]}}",
		"admin_token_with_a_space":  "kratos: {admin_token: 'CANARY x'}",
		"admin_token_as_a_list":     "kratos: {admin_token: [CANARY]}",
		"admin_token_as_a_mapping":  "kratos: {admin_token: {a: CANARY}}",
		"admin_token_without_a_key": "kratos: CANARY",
		"admin_token_as_a_key":      "kratos: {CANARY: }",
		"whole_section_as_a_list":   "serve: [{admin: CANARY}]",
		"whole_file_as_a_list":      "[CANARY]",
		"whole_file_as_a_string":    "CANARY",
		"unclosed_quotes":           "kratos: {admin_token: \"CANARY}",
		"invalid_escape":            "kratos: {admin_token: \"\\CANARY\"}",
		"invalid_mapping":           "kratos: {admin_token: CANARY: CANARY: x",
		"password_in_a_url":         "kratos: {admin_url: 'https://user:CANARY@kratos.example'}",
		"password_in_another_dsn":   "dsn: mysql://user:CANARY@db.example/invites",
		"password_in_a_dsn":         "dsn: postgres://user:CANARY%@db.example/invites",
		"password_with_a_space":     "dsn: 'postgres://user:CANARY x@db.example/invites'",
		"password_with_a_slash":     "dsn: postgres://user:/CANARY@db.example/invites",
		"password_with_a_hash":      "dsn: postgres://user:x#CANARY@db.example/invites",
		"password_in_the_query":     "dsn: postgres://db.example:x/invites?password=CANARY",
		"dsn_as_a_list":             "dsn: [postgres://user:CANARY@db.example/invites]",
		"password_in_an_origin":     "serve: {public: {cors: {allowed_origins: ['https://u:CANARY@x']}}}",
		"key_as_a_port":             "serve: {public: {port: CANARY}}",
		"key_as_a_flag":             "serve: {public: {cors: {enabled: CANARY}}}",
		"key_as_a_duration":         "kratos: {timeout: CANARY}",
	}
	maps.Copy(files, deliveryCanaries)
	maps.Copy(files, tracingCanaries)
	for name, content := range files {
		t.Run(name, func(t *testing.T) {
			text := strings.ReplaceAll(content, "CANARY", canary)
			_, problems := load(t, []string{text}, config.Options{})
			refuteCanary(t, problems)
		})
	}

	environ := map[string]string{
		"password_in_a_dsn":      "INVITEBRIDGE_DSN=postgres://user:CANARY%@db.example/invites",
		"keys_as_a_string":       "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=CANARY",
		"keys_as_an_alias":       "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=*CANARY",
		"invalid_keys":           "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: a, key: CANARY",
		"keys_as_a_mapping":      "INVITEBRIDGE_SERVE_ADMIN_API_KEYS={CANARY: CANARY}",
		"token_with_a_space":     "INVITEBRIDGE_KRATOS_ADMIN_TOKEN=CANARY x",
		"section_as_a_string":    "INVITEBRIDGE_KRATOS=CANARY",
		"value_of_no_key":        "INVITEBRIDGE_KRATOS_TOKEN=CANARY",
		"value_of_a_wrong_type":  "INVITEBRIDGE_SERVE_PUBLIC_PORT=CANARY",
		"hooks_as_a_string":      "INVITEBRIDGE_HOOKS=CANARY",
		"hooks_as_an_alias":      "INVITEBRIDGE_HOOKS=*CANARY",
		"hooks_as_a_mapping":     "INVITEBRIDGE_HOOKS={CANARY: CANARY}",
		"invalid_hooks":          "INVITEBRIDGE_HOOKS=[{secrets: [CANARY",
		"secret_of_a_hook":       "INVITEBRIDGE_HOOKS=[{id: a, events: [delivery_failed], url: 'https://x/', secrets: [whsec_CANARY]}]",
		"courier_as_a_string":    "INVITEBRIDGE_COURIER=CANARY",
		"smtp_as_a_string":       "INVITEBRIDGE_COURIER_SMTP=smtp://u:CANARY@x",
		"connection_uri":         "INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI=smtp://u:/CANARY@x",
		"uri_of_no_key":          "INVITEBRIDGE_COURIER_SMTP_URI=smtp://u:CANARY@x",
		"exception_urls":         "INVITEBRIDGE_CLIENTS_HTTP_PRIVATE_IP_EXCEPTION_URLS=[CANARY]",
		"value_with_line_breaks": "INVITEBRIDGE_SERVE_ADMIN=api_keys:\n  - CANARY: x",
	}
	for name, variable := range environ {
		t.Run("environment_"+name, func(t *testing.T) {
			text := strings.ReplaceAll(variable, "CANARY", canary)
			_, problems := load(t, nil, config.Options{Environ: []string{text}, Dev: true})
			refuteCanary(t, problems)
		})
	}
}

func refuteCanary(t *testing.T, problems []string) {
	t.Helper()
	if problems == nil {
		t.Error("loaded without a problem")
	}
	if text := strings.Join(problems, "\n"); strings.Contains(text, canary) {
		t.Errorf("the secret is in the problems:\n%s", text)
	}
}

func TestSecret(t *testing.T) {
	c := config.Default()
	c.Kratos.AdminToken = canary
	c.DSN = "postgres://" + canary + ":" + canary + "@db.example/invites"
	c.Serve.Admin.APIKeys = []config.APIKey{{Name: "a", Key: canary}, {Name: "b", KeySHA256: canary}}
	c.Courier.SMTP.ConnectionURI = canary
	c.Tracing.Providers.OTLP.AuthorizationHeader = canary
	c.Clients.HTTP.PrivateIPExceptionURLs = []config.Secret{canary}
	c.Hooks = []config.Hook{{
		URL: canary, Body: canary, Headers: map[string]config.Secret{"X-A": canary}, Secrets: []config.Secret{canary},
		Auth: config.HookAuth{Config: config.HookAuthConfig{Value: canary, Password: canary}},
	}}
	prints := map[string]func() string{
		"String":   func() string { return c.Kratos.AdminToken.String() },
		"GoString": func() string { return c.Kratos.AdminToken.GoString() },
		"Println":  func() string { return fmt.Sprintln(c, &c) },
		"JSON":     func() string { text, _ := json.Marshal(c); return string(text) },
		"YAML":     func() string { text, _ := yaml.Marshal(c); return string(text) },
		"slog_json": func() string {
			var out bytes.Buffer
			slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "config", c, "token", c.Kratos.AdminToken)
			return out.String()
		},
		"slog_text": func() string {
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("x", "config", c, "token", c.Kratos.AdminToken)
			return out.String()
		},
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%#q"} {
		prints[verb] = func() string { return fmt.Sprintf(verb, c) }
	}
	for name, print := range prints {
		t.Run(name, func(t *testing.T) {
			got := print()
			if strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) ||
				strings.Contains(got, fmt.Sprintf("%X", canary)) || strings.Contains(got, fmt.Sprintf("% x", canary)) {
				t.Errorf("exposes the secret: %s", got)
			}
			if !strings.Contains(got, "[redacted]") {
				t.Errorf("has no [redacted]: %s", got)
			}
		})
	}
	if got := c.Kratos.AdminToken.Reveal(); got != canary {
		t.Errorf("Reveal: got %q, want %q", got, canary)
	}
}
