package config_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"invitebridge/config"
)

// shape is the type of every key, in the words of JSON schema, by its path.
// An item of a list is "[]".
type shape map[string]string

// addType adds what a Go type says.
func (s shape) addType(path string, t reflect.Type) {
	switch {
	case t == reflect.TypeFor[config.Duration](), t.Kind() == reflect.String:
		s[path] = "string"
	case t.Kind() == reflect.Int:
		s[path] = "integer"
	case t.Kind() == reflect.Float64:
		s[path] = "number"
	case t.Kind() == reflect.Bool:
		s[path] = "boolean"
	case t.Kind() == reflect.Slice:
		s[path] = "array"
		s.addType(path+"[]", t.Elem())
	case t == reflect.TypeFor[config.EmailTraits]():
		s[path] = "" // a text, or a mapping
	case t.Kind() == reflect.Map:
		s[path] = "object" // the names are the operator's
	case t.Kind() == reflect.Struct:
		s[path] = "object"
		for field := range t.Fields() {
			s.addType(path+"."+field.Tag.Get("yaml"), field.Type)
		}
	}
}

// node is what the tests know of a JSON schema.
type node struct {
	Ref         string `json:"$ref"`
	Type        string
	Title       string
	Description string
	Properties  map[string]node
	Additional  *bool `json:"additionalProperties"`
	Items       *node
	Default     any
	Enum        []string
	Defs        map[string]node `json:"$defs"`
}

// addSchema adds what the schema says.
func (s shape) addSchema(path string, n node) {
	s[path] = n.Type
	if n.Enum != nil {
		s[path] = "string"
	}
	if n.Items != nil {
		s.addSchema(path+"[]", *n.Items)
	}
	for name, property := range n.Properties {
		s.addSchema(path+"."+name, property)
	}
}

// addYAML adds the paths of a YAML file, without types.
func (s shape) addYAML(path string, n *yaml.Node) {
	s[path] = ""
	for i, item := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			s.addYAML(path+"[]", item)
		case n.Kind == yaml.MappingNode && i%2 == 1:
			s.addYAML(path+"."+n.Content[i-1].Value, item)
		}
	}
}

func parsedSchema(t *testing.T) node {
	t.Helper()
	var root node
	if err := json.Unmarshal(config.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	return root.resolved(root.Defs)
}

// resolved puts in what references stand for.
func (n node) resolved(defs map[string]node) node {
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		def := defs[name]
		n.Type, n.Properties, n.Additional = def.Type, def.Properties, def.Additional
		if n.Title == "" {
			n.Title = def.Title
		}
	}
	properties := make(map[string]node)
	for name, property := range n.Properties {
		properties[name] = property.resolved(defs)
	}
	if n.Properties != nil {
		n.Properties = properties
	}
	if n.Items != nil {
		items := n.Items.resolved(defs)
		n.Items = &items
	}
	return n
}

func TestSchemaShape(t *testing.T) {
	want, got := shape{}, shape{}
	want.addType("", reflect.TypeFor[config.Config]())
	root := parsedSchema(t)
	got.addSchema("", root)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types of keys (-structs +schema):\n%s", diff)
	}
}

func TestSchemaDefaults(t *testing.T) {
	var defaults any
	text, err := json.Marshal(untyped(t, config.Default()))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &defaults); err != nil {
		t.Fatal(err)
	}
	compareDefaults(t, "", parsedSchema(t), defaults)
}

// untyped turns a configuration into maps, with texts as they are written.
// Unlike marshalling it shows secrets, which have defaults too.
func untyped(t *testing.T, value any) any {
	t.Helper()
	v := reflect.ValueOf(value)
	switch {
	case v.Type() == reflect.TypeFor[config.Duration]():
		return value.(config.Duration).String()
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Slice:
		items := []any{}
		for _, item := range v.Seq2() {
			items = append(items, untyped(t, item.Interface()))
		}
		return items
	case v.Kind() == reflect.Map:
		texts := map[string]any{}
		for name, text := range v.Seq2() {
			texts[name.String()] = text.String()
		}
		return texts
	case v.Kind() == reflect.Struct:
		keys := map[string]any{}
		for field, inner := range v.Fields() {
			keys[field.Tag.Get("yaml")] = untyped(t, inner.Interface())
		}
		return keys
	}
	return value
}

func compareDefaults(t *testing.T, path string, n node, defaults any) {
	t.Helper()
	if n.Properties == nil {
		if diff := cmp.Diff(defaults, n.Default); diff != "" {
			t.Errorf("default of %s (-code +schema):\n%s", path, diff)
		}
		return
	}
	for name, property := range n.Properties {
		compareDefaults(t, path+"."+name, property, defaults.(map[string]any)[name])
	}
}

// TestSchemaDefaultsOfHooks holds the defaults inside an item of hooks, which no
// default configuration has, to what Load fills in.
func TestSchemaDefaultsOfHooks(t *testing.T) {
	c, problems := load(t, []string{withKey, hook("auth: {type: api_key, config: {name: a, value: b}}")}, config.Options{})
	if problems != nil {
		t.Fatalf("problems: %q", problems)
	}
	want := untyped(t, c.Hooks[0]).(map[string]any)
	item := parsedSchema(t).Properties["hooks"].Items
	for _, name := range []string{"method", "headers", "secrets", "body", "timeout", "can_interrupt"} {
		compareDefaults(t, ".hooks[]."+name, item.Properties[name], want[name])
	}
	if in := item.Properties["auth"].Properties["config"].Properties["in"]; in.Default != c.Hooks[0].Auth.Config.In {
		t.Errorf("default of in: %v", in.Default)
	}
}

// TestSchemaStrict holds every mapping to refusing unknown keys, and every
// key to a title.
func TestSchemaStrict(t *testing.T) {
	root := parsedSchema(t)
	var visit func(path string, n node)
	visit = func(path string, n node) {
		if n.Title == "" {
			t.Errorf("%s has no title", path)
		}
		if n.Type == "object" && (n.Additional == nil || *n.Additional) {
			t.Errorf("%s lets unknown keys through", path)
		}
		if n.Items != nil && n.Items.Type == "object" {
			visit(path+"[]", *n.Items)
		}
		for name, property := range n.Properties {
			visit(path+"."+name, property)
		}
	}
	visit("", root)
}

func TestSchemaVerdicts(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(t *testing.T, file string) error {
		t.Helper()
		var content any
		if err := yaml.Unmarshal([]byte(file), &content); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return compiled.Validate(instance)
	}

	accepted := map[string]string{"example": string(config.Example()), "nothing": "{}"}
	for _, acceptance := range acceptances {
		accepted[acceptance.name] = acceptance.file
	}
	for name, file := range accepted {
		t.Run("accepts/"+name, func(t *testing.T) {
			if err := validate(t, file); err != nil {
				t.Error(err)
			}
		})
	}

	refused := map[string]string{
		"unknown_key":        "colour: true",
		"unknown_inner_key":  "serve: {public: {cors: {allow_credentials: true}}}",
		"unknown_key_in_key": "serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, role: admin}]}}",
		"wrong_type":         "serve: {public: {port: '80'}}",
		"wrong_duration":     "kratos: {timeout: 10}",
	}
	for _, refusal := range refusals {
		if refusal.schema {
			refused[refusal.name] = refusal.file
		}
	}
	for name, file := range refused {
		t.Run("refuses/"+name, func(t *testing.T) {
			if validate(t, file) == nil {
				t.Errorf("accepted: %s", file)
			}
		})
	}
}

func TestExampleIsTheDefaults(t *testing.T) {
	zeros := strings.Repeat("0", 64)
	if _, problems := load(t, []string{string(config.Example())}, config.Options{}); len(problems) != 1 || !strings.Contains(problems[0], "zeros") {
		t.Errorf("as it stands: %v", problems)
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
	if diff := cmp.Diff(config.Default(), got); diff != "" {
		t.Errorf("configuration (-defaults +example):\n%s", diff)
	}
}

// commentedKey is the other of the two ways in which an API key is given.
var commentedKey = regexp.MustCompile(`(?m)^( *)# key: `)

// commentedHooks are the hooks to start from. The list that they replace is what
// the defaults have.
var commentedHooks = regexp.MustCompile(`(?m)^hooks: \[\]\n((?:#.*\n)+)`)

// exampleInFull is the example with everything in it that is a comment because
// the defaults lack it.
func exampleInFull(t *testing.T) string {
	t.Helper()
	text := string(config.Example())
	for _, part := range []*regexp.Regexp{commentedKey, commentedHooks} {
		if !part.MatchString(text) {
			t.Fatalf("the example has nothing like %s", part)
		}
	}
	text = commentedKey.ReplaceAllString(text, "${1}key: ")
	return commentedHooks.ReplaceAllStringFunc(text, func(hooks string) string {
		_, hooks, _ = strings.Cut(hooks, "\n")
		return regexp.MustCompile(`(?m)^# ?`).ReplaceAllString(hooks, "")
	})
}

// TestExampleHooks holds the commented hooks to working once their secrets are
// filled in and not before, and to showing the defaults.
func TestExampleHooks(t *testing.T) {
	text := regexp.MustCompile(`(?m)^ *key_sha256: .*\n`).ReplaceAllString(exampleInFull(t), "")
	text = strings.Replace(text, "key: …", "key: 0123456789abcdef", 1)
	_, problems := load(t, []string{text}, config.Options{})
	if len(problems) != 2 || !strings.Contains(problems[0], "hooks[0].auth.config.value") || !strings.Contains(problems[1], "hooks[0].secrets[0]") {
		t.Errorf("with nothing filled in, the problems are %q", problems)
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "whsec_…", signing), "…\n", "secret\n")
	got, problems := load(t, []string{text}, config.Options{})
	if problems != nil {
		t.Fatalf("problems:\n%s", strings.Join(problems, "\n"))
	}
	want := []config.Hook{leastHook(), leastHook()}
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
	if err := yaml.Unmarshal([]byte(exampleInFull(t)), &document); err != nil {
		t.Fatal(err)
	}
	types, file := shape{}, shape{}
	types.addType("", reflect.TypeFor[config.Config]())
	file.addYAML("", document.Content[0])
	var want []string
	for path := range types {
		// The items of an empty list have no place in the file.
		if !strings.HasSuffix(path, "[]") || types[path] == "object" {
			want = append(want, path)
		}
	}
	slices.Sort(want)
	maps.DeleteFunc(file, func(path, _ string) bool { return strings.HasSuffix(path, "[]") && types[path] != "object" })
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(file))); diff != "" {
		t.Errorf("keys (-structs +example):\n%s", diff)
	}
}

func TestPublishedCopies(t *testing.T) {
	for name, get := range map[string]func() []byte{"schema": config.Schema, "example": config.Example} {
		t.Run(name, func(t *testing.T) {
			clear(get())
			if bytes.IndexByte(get(), 0) >= 0 {
				t.Error("a caller can change what the next one gets")
			}
		})
	}
}
