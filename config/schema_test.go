package config_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"invitebridge/config"
)

// shape maps the path of every key to its JSON schema type. An item of a list
// is "[]".
type shape map[string]string

// addType adds the keys of a Go type.
func (s shape) addType(path string, t reflect.Type) {
	switch {
	case t == reflect.TypeFor[config.Duration](), t == reflect.TypeFor[config.Size](), t.Kind() == reflect.String:
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
		s[path] = "" // a string or a mapping
	case t.Kind() == reflect.Map:
		s[path] = "object" // with names that the operator chooses
	case t.Kind() == reflect.Struct:
		s[path] = "object"
		for field := range t.Fields() {
			s.addType(path+"."+field.Tag.Get("yaml"), field.Type)
		}
	}
}

// node is the part of a JSON schema that the tests read.
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

// addSchema adds the keys of a schema.
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

// resolved returns n with references replaced by their definitions.
func (n node) resolved(defs map[string]node) node {
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		def := defs[name]
		n.Type, n.Properties, n.Additional = def.Type, def.Properties, def.Additional
		if n.Title == "" {
			n.Title = def.Title
		}
		if n.Description == "" {
			n.Description = def.Description
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

// untyped converts a configuration to maps and strings as written in a file.
// Unlike marshaling it shows secrets, which have defaults too.
func untyped(t *testing.T, value any) any {
	t.Helper()
	v := reflect.ValueOf(value)
	switch {
	case v.Type() == reflect.TypeFor[config.Duration]():
		return value.(config.Duration).String()
	case v.Type() == reflect.TypeFor[config.Size]():
		return value.(config.Size).String()
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

// TestSchemaDefaultsOfHooks compares the defaults in the schema of a hook, which
// the default configuration lacks, with those that Load applies.
func TestSchemaDefaultsOfHooks(t *testing.T) {
	c, problems := load(t, []string{withKey, hook("auth: {type: api_key, config: {name: a, value: b}}")}, config.Options{})
	if problems != nil {
		t.Fatalf("problems: %q", problems)
	}
	want := untyped(t, c.Hooks[0]).(map[string]any)
	item := parsedSchema(t).Properties["hooks"].Items
	for _, name := range []string{"method", "headers", "secrets", "body", "timeout", "can_interrupt", "audit"} {
		compareDefaults(t, ".hooks[]."+name, item.Properties[name], want[name])
	}
	if in := item.Properties["auth"].Properties["config"].Properties["in"]; in.Default != c.Hooks[0].Auth.Config.In {
		t.Errorf("default of in: %v", in.Default)
	}
}

// TestSchemaStrict: every mapping rejects unknown keys, and every key has a
// title.
func TestSchemaStrict(t *testing.T) {
	root := parsedSchema(t)
	var visit func(path string, n node)
	visit = func(path string, n node) {
		if n.Title == "" {
			t.Errorf("%s has no title", path)
		}
		if n.Type == "object" && (n.Additional == nil || *n.Additional) {
			t.Errorf("%s accepts unknown keys", path)
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

// TestSchemaEvents: the JSON schema lists the events that a hook may subscribe to,
// and the example names each of them.
func TestSchemaEvents(t *testing.T) {
	events := parsedSchema(t).Properties["hooks"].Items.Properties["events"].Items.Enum
	_, problems := load(t, []string{withKey, `hooks: [{id: crm, url: "https://crm.example.com", events: []}]`}, config.Options{})
	want := "must have at least one of " + strings.Join(events, ", ")
	if len(problems) != 1 || !strings.HasSuffix(problems[0], want) {
		t.Errorf("got problems %q, want one that ends with %q", problems, want)
	}
	for _, event := range events {
		if !strings.Contains(string(config.Example()), event) {
			t.Errorf("the example does not name %s", event)
		}
	}
}
