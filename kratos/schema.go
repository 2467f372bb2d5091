package kratos

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
)

// Schema is an identity schema, as far as Kratos' own marks in it go.
type Schema struct{ root any }

// ErrSchemaInvalid says that a schema is no JSON object.
var ErrSchemaInvalid = errors.New("the identity schema is no JSON object")

// Trait is what a schema says of one trait.
type Trait struct {
	// Identifier says that the trait is what one signs in with by password.
	Identifier bool
	// Verifiable says that its value can be verified as an e-mail address.
	Verifiable bool
	// Known says that Kratos takes its value for an identifier or an address.
	Known bool
}

func parseSchema(text []byte) (*Schema, error) {
	var root map[string]any
	if json.Unmarshal(text, &root) != nil || root == nil {
		return nil, ErrSchemaInvalid
	}
	return &Schema{root: root}, nil
}

// Trait gives the trait at a dotted path, such as "contact.email". ok says
// whether the schema describes it. whole is false if a part of the schema is in
// another document: then what was not found may be there.
func (s *Schema) Trait(path string) (trait Trait, ok, whole bool) {
	var marks markedTrait
	whole = true
	found := s.expand([]any{s.root}, &whole)
	for name := range strings.SplitSeq("traits."+path, ".") {
		var below []any
		for _, node := range found {
			if child, ok := descend(node, "properties", name); ok {
				below = append(below, child)
			}
		}
		found = s.expand(below, &whole)
	}
	for _, node := range found {
		marks.read(node)
	}
	return Trait{Identifier: marks.password, Verifiable: marks.verified, Known: marks.marked()}, len(found) > 0, whole
}

// maxExpansion bounds what one place of a schema is put together from.
const maxExpansion = 256

// expand gives schemas and all that they are put together from, each once: a
// schema may refer to itself. Whole becomes false if that is not all.
func (s *Schema) expand(nodes []any, whole *bool) (all []any) {
	seen := map[uintptr]bool{}
	for left := slices.Clone(nodes); len(left) > 0; left = left[1:] {
		object, _ := left[0].(map[string]any)
		identity := reflect.ValueOf(object).Pointer()
		if object == nil || seen[identity] {
			continue
		}
		if len(all) == maxExpansion {
			*whole = false
			break
		}
		seen[identity], all = true, append(all, object)
		if ref, ok := object["$ref"].(string); ok {
			if target, ok := s.resolve(ref); ok {
				left = append(left, target)
			} else {
				*whole = false
			}
		}
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			parts, _ := object[keyword].([]any)
			left = append(left, parts[:min(len(parts), maxExpansion+1)]...)
		}
		for _, keyword := range []string{"if", "then", "else"} {
			if part, ok := object[keyword]; ok {
				left = append(left, part)
			}
		}
	}
	return all
}

// resolve follows a reference within the document (RFC 6901).
func (s *Schema) resolve(ref string) (any, bool) {
	pointer, local := strings.CutPrefix(ref, "#")
	if pointer == "" {
		return s.root, local
	}
	names := strings.Split(pointer, "/")
	for i, name := range names {
		names[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	}
	if !local || names[0] != "" {
		return nil, false
	}
	return descend(s.root, names[1:]...)
}

// descend goes down a path of objects.
func descend(node any, path ...string) (any, bool) {
	for _, name := range path {
		object, _ := node.(map[string]any)
		var ok bool
		if node, ok = object[name]; !ok {
			return nil, false
		}
	}
	return node, true
}
