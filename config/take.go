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

// take lays node, found in src, over target, which holds the key's present
// value. It decodes by hand rather than with the YAML library, whose type
// errors quote values and which neither merges nor says where a key was.
func (l *loader) take(src source, node *yaml.Node, key string, target reflect.Value) {
	place := src.at(node)
	l.origins[key] = place
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case isText(target):
		l.takeText(place, node, key, target)
	case target.Kind() == reflect.Struct:
		l.takeMapping(src, node, key, target)
	case target.Kind() == reflect.Slice:
		l.takeList(src, node, key, target)
	case target.Type() == reflect.TypeFor[EmailTraits]():
		l.takeEmailTrait(src, node, key, target)
	case target.Kind() == reflect.Map:
		l.takeTexts(src, node, key, target)
	case target.Type() == reflect.TypeFor[Permissions]() && !strings.HasPrefix(node.Value, "0"):
		l.refuse(place, key, "must be permissions in octal, such as 0o660, without quotes")
	case target.Kind() == reflect.Int:
		if node.ShortTag() != "!!int" || node.Decode(target.Addr().Interface()) != nil {
			l.refuse(place, key, "must be a whole number, without quotes")
		}
	case target.Kind() == reflect.Float64:
		number := node.ShortTag() == "!!int" || node.ShortTag() == "!!float"
		if !number || node.Decode(target.Addr().Interface()) != nil {
			l.refuse(place, key, "must be a number, without quotes")
		}
	case target.Kind() == reflect.Bool:
		if node.ShortTag() != "!!bool" || node.Decode(target.Addr().Interface()) != nil {
			l.refuse(place, key, "must be true or false, without quotes")
		}
	default:
		panic("config: no way to read a " + target.Type().String())
	}
}

// takeText accepts every plain scalar as it is written: a key of nothing but
// digits is still text.
func (l *loader) takeText(place string, node *yaml.Node, key string, target reflect.Value) {
	switch {
	case isNull(node):
		l.refuse(place, key, `has no value; write one, or "" for an empty text`)
		return
	case !isPlain(node):
		l.refuse(place, key, "must be a text")
		return
	}
	if reader, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := reader.UnmarshalText([]byte(node.Value)); err != nil {
			l.refuse(place, key, err.Error())
		}
		return
	}
	target.SetString(node.Value)
}

// takeMapping changes the keys that node has and leaves the others.
func (l *loader) takeMapping(src source, node *yaml.Node, key string, target reflect.Value) {
	if isNull(node) {
		return // a section whose keys are all commented out
	}
	known := children(target)
	if node.Kind != yaml.MappingNode {
		l.refuse(src.at(node), key, "must be a mapping with keys out of "+names(known))
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
				fmt.Sprintf("is given twice, first on line %d; keep one", lines[name]))
			continue
		}
		lines[name] = pair[0].Line
		if isText(child) && isNull(pair[1]) && isGlued(pair[0].LineComment) {
			l.refuse(src.at(pair[0]), join(key, name), `has no value, for # begins a comment; put quotes around it, as in "#1f5fbf"`)
			continue
		}
		l.take(src, pair[1], join(key, name), child)
	}
}

// isGlued tells whether a comment was hardly meant as one.
func isGlued(comment string) bool { return len(comment) > 1 && comment[0] == '#' && comment[1] > ' ' }

// takeList replaces the whole list.
func (l *loader) takeList(src source, node *yaml.Node, key string, target reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		l.refuse(src.at(node), key, "must be a list; write [] for an empty one")
		return
	}
	maps.DeleteFunc(l.origins, func(known, _ string) bool { return strings.HasPrefix(known, key+"[") })
	target.SetZero()
	for i, item := range node.Content {
		value := reflect.New(target.Type().Elem()).Elem()
		l.take(src, item, key+"["+strconv.Itoa(i)+"]", value)
		target.Set(reflect.Append(target, value))
	}
}

// isPlain tells whether node can be taken as text.
func isPlain(node *yaml.Node) bool {
	tags := []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}
	return node.Kind == yaml.ScalarNode && slices.Contains(tags, node.ShortTag())
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// isText tells whether a key is written as one piece of text.
func isText(target reflect.Value) bool {
	_, ok := target.Addr().Interface().(encoding.TextUnmarshaler)
	return ok || target.Kind() == reflect.String
}

// children are the values of a struct by the names of their keys.
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
