package kratostest

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
)

// fakeSchema checks traits as the schemas in files/ do, by hand: a validator
// would be the slowest part of the fake.
type fakeSchema func(traits map[string]json.RawMessage) (email json.RawMessage, path, reason string)

var fakeSchemas = map[string]fakeSchema{
	DefaultSchema: func(traits map[string]json.RawMessage) (json.RawMessage, string, string) {
		if name, ok := traits["name"]; ok {
			var parts struct{ First, Last string }
			if !asObject(name, &parts) {
				return nil, "", wrong("/traits/name", "expected object")
			}
		}
		if numbers, ok := traits["numbers"]; ok {
			var list []json.Number
			if json.Unmarshal(numbers, &list) != nil {
				return nil, "", wrong("/traits/numbers", "expected array of numbers")
			}
		}
		return traits["email"], "/traits/email", only(traits, "/traits", "email", "name", "numbers")
	},
	CustomerSchema: func(traits map[string]json.RawMessage) (json.RawMessage, string, string) {
		var contact map[string]json.RawMessage
		if !asObject(traits["contact"], &contact) {
			return nil, "", wrong("/traits", `missing properties: "contact"`)
		}
		return contact["email"], "/traits/contact/email", only(traits, "/traits", "contact", "company")
	},
}

// check gives the e-mail address in lower case, or the reason of a 400.
func (s fakeSchema) check(raw json.RawMessage) (address, reason string) {
	var traits map[string]json.RawMessage
	if !asObject(raw, &traits) {
		return "", wrong("/traits", "expected object")
	}
	value, path, reason := s(traits)
	if reason != "" {
		return "", reason
	}
	if value == nil {
		at := path[:strings.LastIndexByte(path, '/')]
		return "", wrong(at, `missing properties: "email"`)
	}
	if json.Unmarshal(value, &address) != nil {
		return "", wrong(path, "expected string")
	}
	if !isEmail(address) {
		return "", wrong(path, fmt.Sprintf(`%q is not valid "email"`, address))
	}
	return strings.ToLower(address), ""
}

// isEmail takes the addresses that Kratos takes: no names, no domain beyond
// ASCII.
func isEmail(text string) bool {
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text {
		return false
	}
	domain := text[strings.LastIndexByte(text, '@')+1:]
	return !strings.ContainsFunc(domain, func(r rune) bool { return r > 0x7f })
}

func asObject(raw json.RawMessage, into any) bool {
	return len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, into) == nil
}

func only(object map[string]json.RawMessage, path string, known ...string) string {
	for name := range object {
		ok := false
		for _, k := range known {
			ok = ok || k == name
		}
		if !ok {
			return wrong(path, fmt.Sprintf("additionalProperties %q not allowed", name))
		}
	}
	return ""
}

// wrong has the shape of the validator's reports: a summary, and below it where
// and what.
func wrong(path, text string) string {
	return fmt.Sprintf("I[#/traits] S[#/properties/traits] validation failed\n  I[#%s] S[#] %s", path, text)
}
