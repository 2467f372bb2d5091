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
	"github.com/google/go-cmp/cmp/cmpopts"

	"invitebridge/config"
)

// withKey is the smallest valid file.
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
		t.Errorf("Load returned both a configuration and an error")
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

// keyed returns the defaults with the API key of withKey, and a change.
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
		change  func(*config.Config) // passed to keyed
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
		{name: "later_empty_list_wins", files: []string{withKey, "serve: {public: {cors: {allowed_origins: []}}}"},
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
			name:  "minimal_hook",
			files: []string{withKey, hook("")},
			change: func(c *config.Config) {
				c.Hooks = []config.Hook{minimalHook()}
			},
		},
		{
			name: "complete_hook",
			files: []string{withKey, hook(`method: PUT, headers: {X-Env: prod, X-Trace: 1}, timeout: 1s, body: "file:///x.jsonnet", ` +
				`secrets: [` + signing + `], auth: {type: api_key, config: {name: a, value: b, in: cookie}}`)},
			change: func(c *config.Config) {
				h := minimalHook()
				h.Method, h.Timeout, h.Body = "PUT", config.Duration(time.Second), "file:///x.jsonnet"
				h.Headers = map[string]config.Secret{"X-Env": "prod", "X-Trace": "1"}
				h.Secrets = []config.Secret{signing}
				h.Auth = config.HookAuth{Type: "api_key", Config: config.HookAuthConfig{Name: "a", Value: "b", In: "cookie"}}
				c.Hooks = []config.Hook{h}
			},
		},
		{
			name:  "api_key_of_a_hook_defaults_to_a_header",
			files: []string{withKey, hook(`auth: {type: api_key, config: {name: a, value: b}}, headers: `)},
			change: func(c *config.Config) {
				h := minimalHook()
				h.Auth = config.HookAuth{Type: "api_key", Config: config.HookAuthConfig{Name: "a", Value: "b", In: "header"}}
				c.Hooks = []config.Hook{h}
			},
		},
		{
			name:  "basic_auth_of_a_hook_has_no_default_place",
			files: []string{withKey, hook(`auth: {type: basic_auth, config: {user: a, password: b}}`)},
			change: func(c *config.Config) {
				h := minimalHook()
				h.Auth = config.HookAuth{Type: "basic_auth", Config: config.HookAuthConfig{User: "a", Password: "b"}}
				c.Hooks = []config.Hook{h}
			},
		},
		{
			name:  "later_hooks_replace",
			files: []string{withKey, hook("method: PUT, timeout: 1s, headers: {a: b}"), hook("")},
			change: func(c *config.Config) {
				c.Hooks = []config.Hook{minimalHook()}
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
			if diff := cmp.Diff(keyed(test.change), got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
		})
	}
}
