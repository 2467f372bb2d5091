package kratos

import (
	"bytes"
	"encoding/json"
	"errors"
)

// member is one name and its value, as it came.
type member struct {
	name  string
	value json.RawMessage
}

var errNotAnObject = errors.New("not a JSON object")

// parseObject reads the members of an object in their order. A map would lose
// the order, and decoding the values would lose digits.
func parseObject(raw json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotAnObject
	}
	var members []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errNotAnObject
		}
		m := member{name: name.(string)} // More and the grammar allow no other token here
		if err := d.Decode(&m.value); err != nil {
			return nil, errNotAnObject
		}
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil || !json.Valid(raw) {
		return nil, errNotAnObject
	}
	return members, nil
}

// printObject writes members in their order.
func printObject(members []member) json.RawMessage {
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(m.name) // cannot fail for a string
		out = append(out, name...)
		out = append(out, ':')
		out = append(out, m.value...)
	}
	return append(out, '}')
}

// asValues gives an object in the form that the generated types take. Their
// encoder writes a json.RawMessage as it is.
func asValues(raw json.RawMessage) (map[string]any, error) {
	members, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	values := make(map[string]any, len(members))
	for _, m := range members {
		values[m.name] = m.value
	}
	return values, nil
}

// missing says whether there is no value: none at all, or null.
func missing(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null"
}
