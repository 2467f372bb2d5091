package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode overlays node, found in src, on target, which holds the key's current
// value. It does not use the YAML library's decoder, whose type errors quote
// values and which neither merges nor records where a key was set.
func (l *loader) decode(src source, node *yaml.Node, key string, target reflect.Value) {
	place := src.at(node)
	l.origins[key] = place
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case isText(target):
		l.decodeText(place, node, key, target)
	case target.Kind() == reflect.Struct:
		l.decodeMapping(src, node, key, target)
	case target.Kind() == reflect.Slice:
		l.decodeList(src, node, key, target)
	case target.Type() == reflect.TypeFor[EmailTraits]():
		l.decodeEmailTrait(src, node, key, target)
	case target.Kind() == reflect.Map:
		l.decodeTexts(src, node, key, target)
	case target.Type() == reflect.TypeFor[Permissions]() && !strings.HasPrefix(node.Value, "0"):
		l.reject(place, key, "must be permissions in octal, such as 0o660, without quotes")
	case target.Kind() == reflect.Int:
		if node.ShortTag() != "!!int" || node.Decode(target.Addr().Interface()) != nil {
			l.reject(place, key, "must be a whole number, without quotes")
		}
	case target.Kind() == reflect.Float64:
		number := node.ShortTag() == "!!int" || node.ShortTag() == "!!float"
		if !number || node.Decode(target.Addr().Interface()) != nil {
			l.reject(place, key, "must be a number, without quotes")
		}
	case target.Kind() == reflect.Bool:
		if node.ShortTag() != "!!bool" || node.Decode(target.Addr().Interface()) != nil {
			l.reject(place, key, "must be true or false, without quotes")
		}
	default:
		panic("config: no way to read a " + target.Type().String())
	}
}

// decodeText accepts every plain scalar as written: an API key that consists of
// digits is still a string.
func (l *loader) decodeText(place string, node *yaml.Node, key string, target reflect.Value) {
	switch {
	case isNull(node):
		l.reject(place, key, `has no value; set one, or write "" for an empty string`)
		return
	case !isPlain(node):
		l.reject(place, key, "must be a string")
		return
	}
	if reader, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := reader.UnmarshalText([]byte(node.Value)); err != nil {
			l.reject(place, key, err.Error())
		}
		return
	}
	target.SetString(node.Value)
}

// decodeMapping sets the keys that node has and keeps the others.
func (l *loader) decodeMapping(src source, node *yaml.Node, key string, target reflect.Value) {
	if isNull(node) {
		return // a section whose keys are all commented out
	}
	known := children(target)
	if node.Kind != yaml.MappingNode {
		l.reject(src.at(node), key, "must be a mapping with keys from this list: "+names(known))
		return
	}
	lines := map[string]int{}
	for pair := range slices.Chunk(node.Content, 2) {
		name := pair[0].Value
		child, ok := known[name]
		switch {
		case pair[0].Kind != yaml.ScalarNode || !ok:
			l.reportUnknown(src.at(pair[0]), key, name, target)
			continue
		case lines[name] != 0:
			l.report(src.at(pair[0]), join(key, name),
				fmt.Sprintf("is set twice, first on line %d; keep one", lines[name]))
			continue
		}
		lines[name] = pair[0].Line
		if isText(child) && isNull(pair[1]) && isGlued(pair[0].LineComment) {
			l.reject(src.at(pair[0]), join(key, name), `has no value, because # begins a comment; quote the value, as in "#1f5fbf"`)
			continue
		}
		l.decode(src, pair[1], join(key, name), child)
	}
}

// isGlued reports whether a comment has no space after its #, and so was
// probably meant as a value.
func isGlued(comment string) bool { return len(comment) > 1 && comment[0] == '#' && comment[1] > ' ' }

// decodeList replaces the whole list. An empty one is not nil.
func (l *loader) decodeList(src source, node *yaml.Node, key string, target reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		l.reject(src.at(node), key, "must be a list, such as [ a, b ]; write [] for an empty one")
		return
	}
	maps.DeleteFunc(l.origins, func(known, _ string) bool { return strings.HasPrefix(known, key+"[") })
	target.Set(reflect.MakeSlice(target.Type(), 0, len(node.Content)))
	for i, item := range node.Content {
		value := reflect.New(target.Type().Elem()).Elem()
		l.decode(src, item, key+"["+strconv.Itoa(i)+"]", value)
		target.Set(reflect.Append(target, value))
	}
}

// isPlain reports whether node can be read as a string.
func isPlain(node *yaml.Node) bool {
	tags := []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}
	return node.Kind == yaml.ScalarNode && slices.Contains(tags, node.ShortTag())
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// isText reports whether a key takes one scalar, read as a string.
func isText(target reflect.Value) bool {
	_, ok := target.Addr().Interface().(encoding.TextUnmarshaler)
	return ok || target.Kind() == reflect.String
}

// children returns the fields of a struct by the names of their keys.
func children(target reflect.Value) map[string]reflect.Value {
	values := map[string]reflect.Value{}
	for field, value := range target.Fields() {
		values[field.Tag.Get("yaml")] = value
	}
	return values
}

// walk visits every key inside target, each mapping before its keys.
func walk(target reflect.Value, key string, visit func(key string, value reflect.Value)) {
	for field, value := range target.Fields() {
		path := join(key, field.Tag.Get("yaml"))
		visit(path, value)
		if value.Kind() == reflect.Struct {
			walk(value, path, visit)
		}
	}
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func names(known map[string]reflect.Value) string {
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}
