package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/config"
)

// FuzzLoad surrounds a secret with arbitrary text, in a file and in the
// environment: Load must return, and its error must not quote the secret.
func FuzzLoad(f *testing.F) {
	f.Add("serve:\n  admin:\n    api_keys:\n      - name: a\n        key: ", "\n")
	f.Add("serve: {admin: {api_keys: [{name: a, key: ", "}]}}")
	f.Add("[{name: a, key: ", "}]")
	f.Add("kratos: {admin_token: *", "}")
	f.Add("kratos: {admin_token: !", " x}")
	f.Add("a: &a [*a]\n? ", "\n: *a")
	f.Add("serve: &s {public: *s, admin: {api_keys: &k [*k, *s, ", "]}}")
	f.Add("%TAG ! ", "\n---\n{}\n---\n")
	f.Add("dsn: |\n  ", "\n\tx")
	f.Add("log: {<<: {level: '", "'}}")
	f.Add("serve: {public: {base_url: 'http://u:", "@x', port: 1e9, cors: {enabled: ~}}}")
	f.Add("hooks: [{id: a, events: [delivery_failed], url: https://x/", ", headers: {a: b}}]")
	f.Add("hooks: [{headers: {a: x, ", ": y}, auth: {type: api_key, config: {name: b, value: c}}, secrets: [whsec_]}]")
	f.Add("hooks: &h [{auth: {config: *h}, headers: {<<: *h, ? [a] : b, a: &x [*x]}, secrets: [", "]}]")
	f.Add("courier: {smtp: {connection_uri: 'smtp://u:", "@x:1/?a=b;c#d', from_address: a@b}}")
	f.Add("smtp://u:", "@mail.example:587/?server_name=%zz")
	f.Add("", "")
	f.Add("\xff\xfe", "\x00")
	file := filepath.Join(f.TempDir(), "fuzz.yml")
	f.Fuzz(func(t *testing.T, before, after string) {
		text := before + canary + after
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, dev := range []bool{false, true} {
			c, err := config.Load(config.Options{
				Files: []string{file},
				Environ: []string{
					"INVITEBRIDGE_SERVE_ADMIN_API_KEYS=" + text,
					"INVITEBRIDGE_KRATOS_ADMIN_TOKEN=" + text,
					"INVITEBRIDGE_KRATOS_TIMEOUT=" + text,
					"INVITEBRIDGE_SERVE=" + text,
					"INVITEBRIDGE_HOOKS=" + text,
					"INVITEBRIDGE_COURIER=" + text,
					"INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI=" + text,
					"INVITEBRIDGE_CLIENTS_HTTP_PRIVATE_IP_EXCEPTION_URLS=" + text,
				},
				Dev: dev,
			})
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the secret is in the error: %v", err)
			}
			_ = fmt.Sprint(c)
		}
	})
}
