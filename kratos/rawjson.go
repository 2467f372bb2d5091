package kratos

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// parse decodes JSON of Kratos, which passes on what others store: duplicate
// names, of which the last counts, and text that is not UTF-8.
func parse(raw []byte, into any) error {
	return jsonv2.Unmarshal(raw, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// member is a name and its raw value.
type member struct {
	name  string
	value json.RawMessage
}

// members are those of an object in their order. A map would lose the order, and
// decoded values would lose digits.
type members []member

var errNotAnObject = errors.New("not a JSON object")

// UnmarshalJSONFrom implements [jsonv2.UnmarshalerFrom].
func (all *members) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if begin, err := d.ReadToken(); err != nil || begin.Kind() != '{' {
		return errNotAnObject
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		text := name.String() // before the next read, which ends the token
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		*all = append(*all, member{text, json.RawMessage(value.Clone())})
	}
	_, err := d.ReadToken()
	return err
}

// parseObject returns the members of an object.
func parseObject(raw json.RawMessage) (all members, err error) {
	if parse(raw, &all) != nil {
		return nil, errNotAnObject
	}
	return all, nil
}

// last returns the value of a name; empty: there is none.
func (all members) last(name string) json.RawMessage {
	for _, m := range slices.Backward(all) {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// printObject encodes members in their order.
func printObject(all members) json.RawMessage {
	out := []byte{'{'}
	for i, m := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, m.name) // fails for invalid UTF-8, which no parsed name contains
		out = append(out, ':')
		out = append(out, m.value...)
	}
	return append(out, '}')
}

// asValues returns an object in the form that the generated types accept. Their
// encoder writes a json.RawMessage unchanged.
func asValues(raw json.RawMessage) (map[string]any, error) {
	all, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	values := make(map[string]any, len(all))
	for _, m := range all {
		values[m.name] = m.value
	}
	return values, nil
}

// missing reports whether there is no value: none at all, or null.
func missing(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null"
}
