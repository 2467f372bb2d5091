package bridge

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// setMember replaces the member of a nested object at path, and keeps all other
// members byte for byte. at is the path of the object, for error texts.
func setMember(at string, raw json.RawMessage, path []string, set func(json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	if len(path) == 0 {
		return set(raw)
	}
	members, ok := object(raw)
	if !ok {
		return nil, ErrTraitsInvalid.WithReasonf("%s must be an object.", at)
	}
	member, err := setMember(at+"."+path[0], members[path[0]], path[1:], set)
	if err != nil {
		return nil, err
	}
	members[path[0]] = member
	return json.Marshal(members)
}

// object decodes the members of a JSON object. A missing value yields no members.
func object(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	members := make(map[string]json.RawMessage)
	if !isSet(raw) {
		return members, true
	}
	err := json.Unmarshal(raw, &members)
	return members, err == nil
}

func isObject(raw json.RawMessage) bool {
	_, ok := object(raw)
	return ok
}

// sameJSON compares two JSON texts by value, and numbers digit by digit.
func sameJSON(a, b json.RawMessage) bool { return reflect.DeepEqual(jsonValue(a), jsonValue(b)) }

func jsonValue(raw json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if len(raw) > 0 && d.Decode(&v) != nil {
		return &v // equal to nothing
	}
	return v
}

// holdsNUL reports whether a string or name in a JSON text contains U+0000.
// Searching for the escape would not do: in "\\u0000" the backslash is escaped.
func holdsNUL(raw json.RawMessage) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // large numbers must not fail
	for {
		token, err := d.Token()
		if text, ok := token.(string); ok && strings.ContainsRune(text, 0) {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// orObject returns an empty object for missing metadata. Once the mark is removed,
// the two cannot be distinguished.
func orObject(raw json.RawMessage) json.RawMessage {
	if !isSet(raw) {
		return json.RawMessage("{}")
	}
	return raw
}

// isSet reports whether a JSON value is present; null counts as absent.
func isSet(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// member returns the value at a dotted path; empty: there is none.
func member(raw json.RawMessage, path string) json.RawMessage {
	for name := range strings.SplitSeq(path, ".") {
		members, _ := object(raw) // none if raw is not an object
		raw = members[name]
	}
	return raw
}

// scalar returns a string as text, and a number or boolean in its JSON form; empty
// for other values.
func scalar(raw json.RawMessage) string {
	var text string
	switch {
	case !isSet(raw) || raw[0] == '{' || raw[0] == '[':
		return ""
	case json.Unmarshal(raw, &text) == nil:
		return text
	}
	return string(raw)
}

// hasText reports whether there is a text at a path of [Identities].PasswordTraits.
func hasText(raw json.RawMessage, path string) bool {
	above, below, inList := strings.Cut(path, "[]")
	value := member(raw, above)
	if !inList {
		return scalar(value) != ""
	}
	var items []json.RawMessage
	_ = json.Unmarshal(value, &items) // none if value is not a list
	below = strings.TrimPrefix(below, ".")
	return slices.ContainsFunc(items, func(item json.RawMessage) bool {
		if below == "" {
			return scalar(item) != ""
		}
		return hasText(item, below)
	})
}
