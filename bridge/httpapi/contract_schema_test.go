package httpapi_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// node is a value in the document with its location.
type node struct {
	c       *contract
	pointer string // in the form of a URL fragment
	value   any
}

func (c *contract) node(keys ...string) node { return node{c, "", c.root}.get(keys...) }

// get descends by keys and resolves references. The value is nil if it does not
// exist.
func (p node) get(keys ...string) node {
	for _, key := range keys {
		p = p.child(key).resolve()
	}
	return p
}

// child descends by one key or index, without resolving references.
func (p node) child(key string) node {
	down := node{p.c, p.pointer + "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(key)), nil}
	switch v := p.value.(type) {
	case map[string]any:
		down.value = v[key]
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i < len(v) {
			down.value = v[i]
		}
	}
	return down
}

func (p node) resolve() node {
	members, _ := p.value.(map[string]any)
	ref, ok := members["$ref"].(string)
	if !ok {
		return p
	}
	return p.c.node(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// children yields the members of an object or a list, by key or index, in order.
func (p node) children() func(yield func(string, node) bool) {
	return func(yield func(string, node) bool) {
		switch v := p.value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if !yield(key, p.get(key)) {
					return
				}
			}
		case []any:
			for i := range v {
				if !yield(strconv.Itoa(i), p.get(strconv.Itoa(i))) {
					return
				}
			}
		}
	}
}

func (p node) text(key string) string {
	text, _ := p.get(key).value.(string)
	return text
}

// schemas compiles the document's schemas in the dialect of OpenAPI 3.1, with
// formats asserted. In the document, response schemas allow additional fields,
// since responses may gain some; here they do not, so that undocumented fields
// are detected.
type schemas struct {
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // by pointer
}

const (
	documentURL = "contract:///openapi.json"
	closedURL   = "contract:///closed"
)

func newSchemas(root any) schemas {
	s := schemas{jsonschema.NewCompiler(), map[string]*jsonschema.Schema{}}
	s.compiler.AssertFormat()
	s.add(documentURL, closeSchemas(root))
	return s
}

func (s schemas) add(name string, schema any) {
	if err := s.compiler.AddResource(name, schema); err != nil {
		panic(err)
	}
}

func (s schemas) at(p node) *jsonschema.Schema {
	if s.compiled[p.pointer] == nil {
		name := fmt.Sprintf("%s/%d", closedURL, len(s.compiled))
		wrapped := map[string]any{"$ref": documentURL + "#" + p.pointer}
		if p.get("type").value != nil || p.get("allOf").value != nil { // else it takes anything
			wrapped["unevaluatedProperties"] = false
		}
		s.add(name, wrapped)
		s.compiled[p.pointer] = s.compiler.MustCompile(name)
	}
	return s.compiled[p.pointer]
}

func (s schemas) value(p node) value {
	required, _ := p.get("required").value.(bool)
	kind := p.get("schema").text("type")
	return value{required: required, number: kind == "integer", flag: kind == "boolean", schema: s.at(p.get("schema"))}
}

// closeSchemas forbids additional properties at every reference to a schema,
// except inside an allOf.
func closeSchemas(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, member := range v {
			out[key] = closeSchemas(member)
			if key == "allOf" {
				out[key] = member
			}
		}
		if ref, ok := v["$ref"].(string); ok && strings.HasPrefix(ref, "#/components/schemas/") {
			out["unevaluatedProperties"] = false
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = closeSchemas(item)
		}
		return out
	}
	return v
}
