package config_test

import (
	"bytes"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"invitebridge/config"
)

func TestExampleIsTheDefaults(t *testing.T) {
	zeros := strings.Repeat("0", 64)
	if _, problems := load(t, []string{string(config.Example())}, config.Options{}); len(problems) != 1 || !strings.Contains(problems[0], "zeros") {
		t.Errorf("unchanged: %v", problems)
	}
	filledIn := strings.Replace(string(config.Example()), zeros, strings.Repeat("a", 64), 1)
	got, problems := load(t, []string{filledIn}, config.Options{})
	if problems != nil {
		t.Fatalf("problems:\n%s", strings.Join(problems, "\n"))
	}
	if len(got.Serve.Admin.APIKeys) != 1 {
		t.Errorf("API keys: got %d, want 1 to fill in", len(got.Serve.Admin.APIKeys))
	}
	got.Serve.Admin.APIKeys = nil
	if diff := cmp.Diff(config.Default(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("configuration (-defaults +example):\n%s", diff)
	}
}

// commentedKey matches the alternative to key_sha256.
var commentedKey = regexp.MustCompile(`(?m)^( *)# key: `)

// commentedHooks matches the empty default list and the example hooks in
// comments, which replace it.
var commentedHooks = regexp.MustCompile(`(?m)^hooks: \[\]\n((?:#.*\n)+)`)

// uncommentedExample returns the example including the keys that are commented
// out because the defaults lack them.
func uncommentedExample(t *testing.T) string {
	t.Helper()
	text := string(config.Example())
	for _, part := range []*regexp.Regexp{commentedKey, commentedHooks} {
		if !part.MatchString(text) {
			t.Fatalf("nothing in the example matches %s", part)
		}
	}
	text = commentedKey.ReplaceAllString(text, "${1}key: ")
	return commentedHooks.ReplaceAllStringFunc(text, func(hooks string) string {
		_, hooks, _ = strings.Cut(hooks, "\n")
		return regexp.MustCompile(`(?m)^# ?`).ReplaceAllString(hooks, "")
	})
}

// TestExampleHooks: the commented hooks load once their secrets are filled in,
// and not before. They show the defaults.
func TestExampleHooks(t *testing.T) {
	text := regexp.MustCompile(`(?m)^ *key_sha256: .*\n`).ReplaceAllString(uncommentedExample(t), "")
	text = strings.Replace(text, "key: …", "key: 0123456789abcdef", 1)
	_, problems := load(t, []string{text}, config.Options{})
	if len(problems) != 2 || !strings.Contains(problems[0], "hooks[0].auth.config.value") || !strings.Contains(problems[1], "hooks[0].secrets[0]") {
		t.Errorf("problems with placeholders: %q", problems)
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "whsec_…", signing), "…\n", "secret\n")
	got, problems := load(t, []string{text}, config.Options{})
	if problems != nil {
		t.Fatalf("problems:\n%s", strings.Join(problems, "\n"))
	}
	want := []config.Hook{minimalHook(), minimalHook()}
	for i := range got.Hooks {
		shown := &got.Hooks[i]
		shown.ID, shown.Events, shown.URL, shown.Secrets = want[i].ID, want[i].Events, want[i].URL, nil
		if len(shown.Headers) == 0 {
			shown.Headers = nil
		}
	}
	want[0].Auth = config.HookAuth{Type: "api_key", Config: config.HookAuthConfig{Name: "X-Api-Key", Value: "secret", In: "header"}}
	want[1].Auth = config.HookAuth{Type: "basic_auth", Config: config.HookAuthConfig{User: "invitebridge", Password: "secret"}}
	want[1].CanInterrupt = true
	if diff := cmp.Diff(want, got.Hooks, cmp.Comparer(func(a, b config.Secret) bool { return a == b })); diff != "" {
		t.Errorf("hooks (-defaults +example):\n%s", diff)
	}
}

func TestExampleShowsEveryKey(t *testing.T) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(uncommentedExample(t)), &document); err != nil {
		t.Fatal(err)
	}
	types, file := shape{}, shape{}
	types.addType("", reflect.TypeFor[config.Config]())
	file.addYAML("", document.Content[0])
	// An empty list has no items in the file.
	isItem := func(path string) bool {
		return strings.HasSuffix(path, "[]") && (types[path] != "object" || path == ".inviters.allow[]")
	}
	var want []string
	for path := range types {
		if !isItem(path) {
			want = append(want, path)
		}
	}
	slices.Sort(want)
	maps.DeleteFunc(file, func(path, _ string) bool { return isItem(path) })
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(file))); diff != "" {
		t.Errorf("keys (-structs +example):\n%s", diff)
	}
}

func TestPublishedCopies(t *testing.T) {
	for name, get := range map[string]func() []byte{"schema": config.Schema, "example": config.Example} {
		t.Run(name, func(t *testing.T) {
			clear(get())
			if bytes.IndexByte(get(), 0) >= 0 {
				t.Error("changing a returned slice changes the next one")
			}
		})
	}
}
