package kratos

import (
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Schema is an identity schema, reduced to Kratos' extension keywords.
type Schema struct{ root any }

// ErrSchemaInvalid reports that a schema is not a JSON object.
var ErrSchemaInvalid = errors.New("the identity schema is not a JSON object")

// Trait describes one trait of a schema.
type Trait struct {
	// Identifier reports whether the trait is used to sign in by password.
	Identifier bool
	// Verifiable reports whether its value can be verified as an email address.
	Verifiable bool
	// Known reports whether Kratos uses its value as an identifier or an
	// address.
	Known bool
}

func parseSchema(text []byte) (*Schema, error) {
	var root map[string]any
	if json.Unmarshal(text, &root) != nil || root == nil {
		return nil, ErrSchemaInvalid
	}
	return &Schema{root: root}, nil
}

// Trait returns the trait at a dotted path, such as "contact.email". ok reports
// whether the schema describes it. complete is false if part of the schema is
// in another document, which may describe a trait that was not found.
func (s *Schema) Trait(path string) (trait Trait, ok, complete bool) {
	var marks markedTrait
	complete = true
	found := s.expand([]any{s.root}, &complete)
	for name := range strings.SplitSeq("traits."+path, ".") {
		var below []any
		for _, node := range found {
			if child, ok := descend(node, "properties", name); ok {
				below = append(below, child)
			}
		}
		found = s.expand(below, &complete)
	}
	for _, node := range found {
		marks.read(node)
	}
	return Trait{Identifier: marks.password, Verifiable: marks.verified, Known: marks.marked()}, len(found) > 0, complete
}

// maxExpansion limits the number of schemas that describe one place.
const maxExpansion = 256

// expand returns schemas and all their subschemas for the same place, each
// once, because a schema may refer to itself. It sets complete to false if some
// are left out.
func (s *Schema) expand(nodes []any, complete *bool) (all []any) {
	seen := map[uintptr]bool{}
	for left := slices.Clone(nodes); len(left) > 0; left = left[1:] {
		object, _ := left[0].(map[string]any)
		identity := reflect.ValueOf(object).Pointer()
		if object == nil || seen[identity] {
			continue
		}
		if len(all) == maxExpansion {
			*complete = false
			break
		}
		seen[identity], all = true, append(all, object)
		if ref, ok := object["$ref"].(string); ok {
			if target, ok := s.resolve(ref); ok {
				left = append(left, target)
			} else {
				*complete = false
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

// resolve follows a reference within the document: a JSON Pointer as the fragment
// of a URI (RFC 6901, 6), unescaped in Kratos' order.
func (s *Schema) resolve(ref string) (any, bool) {
	pointer, local := strings.CutPrefix(ref, "#")
	if pointer == "" {
		return s.root, local
	}
	names := strings.Split(pointer, "/")
	for i, name := range names {
		unescaped, err := url.PathUnescape(strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
		if err != nil {
			return nil, false
		}
		names[i] = unescaped
	}
	if !local || names[0] != "" {
		return nil, false
	}
	return descend(s.root, names[1:]...)
}

// descend follows a path of object members.
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
