package config

import (
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// decodeTexts replaces a whole mapping of strings whose names the operator
// chooses. By mistake a secret may be written as a name, so no problem shows a
// name: each has the key of the mapping, and the line of the name.
func (l *loader) decodeTexts(src source, node *yaml.Node, key string, target reflect.Value) {
	if isNull(node) {
		return // a section whose names are all commented out
	}
	const shape = "must be a mapping of names to strings"
	if node.Kind != yaml.MappingNode {
		l.reject(src.at(node), key, shape)
		return
	}
	target.Set(reflect.MakeMap(target.Type()))
	lines := map[string]int{}
	for pair := range slices.Chunk(node.Content, 2) {
		name, text := pair[0], pair[1]
		if text.Kind == yaml.AliasNode {
			text = text.Alias
		}
		place := src.at(name)
		switch {
		case name.Kind != yaml.ScalarNode || isNull(name):
			l.reject(place, key, shape)
		case lines[name.Value] != 0:
			l.report(place, key, fmt.Sprintf("has the same name twice, first on line %d; keep one", lines[name.Value]))
		case !isPlain(text):
			l.reject(place, key, `must have one string for each name; write "" for an empty one`)
		default:
			lines[name.Value] = name.Line
			value := reflect.ValueOf(text.Value).Convert(target.Type().Elem())
			target.SetMapIndex(reflect.ValueOf(name.Value), value)
		}
	}
}
