package kratos

import (
	"encoding/json"
	"slices"
	"strings"

	"invitebridge/bridge"
)

// identifier is a text in the traits that one signs in with, and its path.
type identifier struct{ path, value string }

const (
	// mostIdentifiers bounds what is searched for. Only lists could have more.
	mostIdentifiers = 8
	// maxIdentifier is the length that Kratos' databases have for one.
	maxIdentifier = 255
)

// identifiers gives what the traits hold at the places where the schema has
// identifiers.
func (l Layout) identifiers(traits json.RawMessage) (all []identifier) {
	for _, path := range slices.Concat(l.Password, l.Code) {
		for _, value := range textsAt(traits, strings.Split(path, ".")) {
			one := identifier{path, value}
			searchable := strings.TrimSpace(value) != "" && len(value) <= maxIdentifier
			if searchable && len(all) < mostIdentifiers && !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// textsAt gives the texts at a path. Of a name that ends in "[]" they are those
// of the items of a list.
func textsAt(value json.RawMessage, path []string) (texts []string) {
	if len(path) == 0 {
		var text string
		if json.Unmarshal(value, &text) == nil {
			texts = append(texts, text)
		}
		return texts
	}
	name, isList := strings.CutSuffix(path[0], "[]")
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil {
		return nil
	}
	items := []json.RawMessage{members[name]}
	if isList && json.Unmarshal(members[name], &items) != nil {
		return nil
	}
	for _, item := range items {
		texts = append(texts, textsAt(item, path[1:])...)
	}
	return texts
}

// spellings gives those that Kratos may keep an identifier in: up to v26.2 a
// phone number as it was typed for passwords, and as E.164 for codes; later ones
// as E.164.
func spellings(text string) []string {
	if number, ok := bridge.PhoneNumber(text); ok && number != text {
		return []string{text, number}
	}
	return []string{text}
}
