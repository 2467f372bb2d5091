package kratos

import (
	"maps"
	"slices"
)

const (
	// maxPlaces and maxDepth bound what is looked at of one schema, which may
	// refer to itself.
	maxPlaces = 2048
	maxDepth  = 12
)

// walk collects the traits that have marks.
type walk struct {
	schema *Schema
	found  []markedTrait
	whole  bool
	left   int // places
	depth  int
}

// visit looks at the place at path, which all of nodes describe.
func (w *walk) visit(path string, nodes []any) {
	if w.left--; w.left < 0 || w.depth == maxDepth {
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	trait := markedTrait{path: path}
	members, items := map[string][]any{}, []any(nil)
	for _, start := range nodes {
		for _, node := range w.schema.expand(start, &w.whole) {
			trait.read(node)
			properties, _ := descend(node, "properties")
			object, _ := properties.(map[string]any)
			for name, child := range object {
				members[name] = append(members[name], child)
			}
			items = append(items, itemsOf(node)...)
		}
	}
	if trait.marked() {
		if trait.list {
			trait.path += "[]"
		}
		w.found = append(w.found, trait)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		below := name
		if path != "" {
			below = path + "." + name
		}
		w.visit(below, members[name])
	}
	if len(items) > 0 {
		w.visit(path+"[]", items)
	}
}

// itemsOf gives the schemas of what a list holds.
func itemsOf(node any) (items []any) {
	for _, keyword := range []string{"items", "additionalItems", "contains"} {
		switch of, _ := descend(node, keyword); of := of.(type) {
		case map[string]any:
			items = append(items, of)
		case []any:
			items = append(items, of...)
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
