package kratos

import (
	"maps"
	"slices"
	"strings"
)

const (
	// maxPlaces and maxDepth limit how much of a schema is read, because it may
	// refer to itself.
	maxPlaces = 2048
	maxDepth  = 12
)

// place is a location in the traits, with all the schemas that describe it.
type place struct {
	path  string
	depth int
	nodes []any
}

// walk collects the marked traits, breadth first: a schema that refers to
// itself has an unlimited number of deeper ones.
func (s *Schema) walk(traits []any) (found []markedTrait, complete bool) {
	complete = true
	left := maxPlaces
	for places := []place{{nodes: traits}}; len(places) > 0; places = places[1:] {
		at, trait := places[0], markedTrait{path: places[0].path}
		members, items := map[string][]any{}, []any(nil)
		for _, node := range s.expand(at.nodes, &complete) {
			trait.read(node)
			properties, _ := descend(node, "properties")
			object, _ := properties.(map[string]any)
			if len(object) > maxPlaces {
				complete = false
				continue
			}
			for name, child := range object {
				members[name] = append(members[name], child)
			}
			items = append(items, itemsOf(node)...)
		}
		if trait.marked() {
			if trait.list {
				trait.path += "[]"
			}
			found = append(found, trait)
		}
		if at.depth == maxDepth {
			continue
		}
		below := at.below(members, items)
		below = below[:min(len(below), left)]
		left -= len(below)
		places = append(places, below...)
	}
	slices.SortFunc(found, func(a, b markedTrait) int { return strings.Compare(a.path, b.path) })
	return found, complete
}

// below returns the places of members and items.
func (p place) below(members map[string][]any, items []any) (places []place) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		path := name
		if p.path != "" {
			path = p.path + "." + name
		}
		places = append(places, place{path, p.depth + 1, members[name]})
	}
	if len(items) > 0 {
		places = append(places, place{p.path + "[]", p.depth + 1, items})
	}
	return places
}

// itemsOf returns the schemas of a list's items.
func itemsOf(node any) (items []any) {
	for _, keyword := range []string{"items", "additionalItems", "contains"} {
		switch of, _ := descend(node, keyword); of := of.(type) {
		case map[string]any:
			items = append(items, of)
		case []any:
			items = append(items, of[:min(len(of), maxExpansion+1)]...)
		}
	}
	return items
}

// read adds the marks of one schema.
func (t *markedTrait) read(node any) {
	is := func(value any, path ...string) bool {
		got, ok := descend(node, path...)
		return ok && got == value
	}
	kratos := func(value any, path ...string) bool {
		return is(value, append([]string{"ory.sh/kratos"}, path...)...)
	}
	code := kratos(true, "credentials", methodCode, "identifier")
	t.password = t.password || kratos(true, "credentials", methodPassword, "identifier")
	t.code = t.code || code
	t.codeByEmail = t.codeByEmail || code && kratos(viaEmail, "credentials", methodCode, "via")
	t.verified = t.verified || kratos(viaEmail, "verification", "via")
	t.recovers = t.recovers || kratos(viaEmail, "recovery", "via")
	t.address = t.address || is("email", "format")
	t.list = t.list || is("array", "type")
}
