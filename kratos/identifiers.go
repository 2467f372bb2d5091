package kratos

import (
	"encoding/json"
	"slices"
	"strings"

	"invitebridge/bridge"
)

// identifier is a value of the traits that is used to sign in, and its path.
type identifier struct{ path, value string }

const (
	// maxIdentifiers limits how many values are searched for. Only lists could
	// exceed it.
	maxIdentifiers = 8
	// maxIdentifierLength is the size of an identifier's column in Kratos'
	// databases.
	maxIdentifierLength = 255
)

// identifiers returns the values of the traits that the schema marks as
// identifiers.
func (l Layout) identifiers(traits json.RawMessage) (all []identifier) {
	for _, path := range slices.Concat(l.Password, l.Code) {
		for _, value := range stringsAt(traits, strings.Split(path, ".")) {
			one := identifier{path, value}
			searchable := strings.TrimSpace(value) != "" && len(value) <= maxIdentifierLength
			if searchable && len(all) < maxIdentifiers && !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// stringsAt returns the strings at a path. A name that ends in "[]" stands for
// the items of a list.
func stringsAt(value json.RawMessage, path []string) (texts []string) {
	if len(path) == 0 {
		var text string
		if parse(value, &text) == nil {
			texts = append(texts, text)
		}
		return texts
	}
	name, isList := strings.CutSuffix(path[0], "[]")
	object, err := parseObject(value)
	if err != nil {
		return nil
	}
	items, found := []json.RawMessage(nil), object.last(name)
	if !isList {
		items = append(items, found)
	} else if parse(found, &items) != nil {
		return nil
	}
	for _, item := range items {
		texts = append(texts, stringsAt(item, path[1:])...)
	}
	return texts
}

// spellings returns the forms in which Kratos may store an identifier. Up to
// v26.2 it stores a phone number as typed for passwords and as E.164 for codes;
// later versions always use E.164.
func spellings(text string) []string {
	if number, ok := bridge.PhoneNumber(text); ok && number != text {
		return []string{text, number}
	}
	return []string{text}
}
