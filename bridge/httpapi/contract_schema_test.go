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

// place is a value in the document, and where it is.
type place struct {
	c       *contract
	pointer string // in the form of a URL fragment
	value   any
}

func (c *contract) place(keys ...string) place { return place{c, "", c.root}.get(keys...) }

// get goes down by names and follows references. What is not there is nil.
func (p place) get(keys ...string) place {
	for _, key := range keys {
		p = p.below(key).follow()
	}
	return p
}

// below goes down by one name or index, and follows nothing.
func (p place) below(key string) place {
	down := place{p.c, p.pointer + "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(key)), nil}
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

func (p place) follow() place {
	members, _ := p.value.(map[string]any)
	ref, ok := members["$ref"].(string)
	if !ok {
		return p
	}
	return p.c.place(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// each gives the members of an object or a list, by name or index, in order.
func (p place) each() func(yield func(string, place) bool) {
	return func(yield func(string, place) bool) {
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

func (p place) text(key string) string {
	text, _ := p.get(key).value.(string)
	return text
}

// schemas compiles the schemas of the document, in the dialect of OpenAPI 3.1,
// formats included. Those of answers are open in the document, for answers may
// get more fields; here they are closed, so that what is not documented shows.
type schemas struct {
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // by the place they are closed at
}

const (
	documentURL = "contract:///openapi.json"
	closedURL   = "contract:///closed"
)

func newSchemas(root any) schemas {
	s := schemas{jsonschema.NewCompiler(), map[string]*jsonschema.Schema{}}
	s.compiler.AssertFormat()
	s.add(documentURL, closed(root))
	return s
}

func (s schemas) add(name string, schema any) {
	if err := s.compiler.AddResource(name, schema); err != nil {
		panic(err)
	}
}

func (s schemas) at(p place) *jsonschema.Schema {
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

func (s schemas) value(p place) value {
	required, _ := p.get("required").value.(bool)
	return value{required: required, number: p.get("schema").text("type") == "integer", schema: s.at(p.get("schema"))}
}

// closed forbids other properties wherever a schema is referred to, save as a
// part of an allOf.
func closed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, member := range v {
			out[key] = closed(member)
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
			out[i] = closed(item)
		}
		return out
	}
	return v
}
