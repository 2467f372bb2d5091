package kratostest

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"strings"
)

// memberSchema is that of the real server with every method: "email",
// "username" and "second_email", all of them optional.
const memberSchema = "member"

// derived is what Kratos makes of traits, in lower case.
type derived struct {
	identifiers map[string][]string // by credential type
	verifiable  []string
	recovery    []string
}

// fakeSchema checks traits as the schemas in files/ do, by hand: a validator
// would be the slowest part of the fake. It gives the reason of a 400.
type fakeSchema func(traits map[string]json.RawMessage, d *derived) (reason string)

var fakeSchemas = map[string]fakeSchema{
	DefaultSchema: func(traits map[string]json.RawMessage, d *derived) string {
		if name, ok := traits["name"]; ok {
			var parts struct{ First, Last string }
			if !asObject(name, &parts) {
				return wrong("/traits/name", "expected object")
			}
		}
		if numbers, ok := traits["numbers"]; ok {
			var list []json.Number
			if json.Unmarshal(numbers, &list) != nil {
				return wrong("/traits/numbers", "expected array of numbers")
			}
		}
		if reason := only(traits, "/traits", "email", "name", "numbers"); reason != "" {
			return reason
		}
		return d.email(traits, "/traits", "email", true, methodPassword)
	},
	CustomerSchema: func(traits map[string]json.RawMessage, d *derived) string {
		var contact map[string]json.RawMessage
		if !asObject(traits["contact"], &contact) {
			return wrong("/traits", `missing properties: "contact"`)
		}
		if reason := only(traits, "/traits", "contact", "company"); reason != "" {
			return reason
		}
		return d.email(contact, "/traits/contact", "email", true, methodPassword)
	},
	memberSchema: func(traits map[string]json.RawMessage, d *derived) string {
		if reason := only(traits, "/traits", "email", "username", "second_email"); reason != "" {
			return reason
		}
		if value, ok := traits["username"]; ok {
			var name string
			if json.Unmarshal(value, &name) != nil {
				return wrong("/traits/username", "expected string")
			}
			d.identify(strings.ToLower(name), methodPassword)
		}
		if reason := d.email(traits, "/traits", "email", false, methodPassword, methodCode, methodWebAuthn); reason != "" {
			return reason
		}
		return d.email(traits, "/traits", "second_email", false, methodCode)
	},
}

func (d *derived) identify(value string, methods ...string) {
	if d.identifiers == nil {
		d.identifiers = map[string][]string{}
	}
	for _, method := range methods {
		if !slices.Contains(d.identifiers[method], value) {
			d.identifiers[method] = append(d.identifiers[method], value)
		}
	}
}

// email takes the e-mail address of a member: an identifier of some credential
// types, and an address to verify and to recover by.
func (d *derived) email(object map[string]json.RawMessage, path, name string, required bool, methods ...string) (reason string) {
	value, ok := object[name]
	if !ok {
		if required {
			return wrong(path, fmt.Sprintf("missing properties: %q", name))
		}
		return ""
	}
	path += "/" + name
	var address string
	if json.Unmarshal(value, &address) != nil {
		return wrong(path, "expected string")
	}
	if !isEmail(address) {
		return wrong(path, fmt.Sprintf(`%q is not valid "email"`, address))
	}
	address = strings.ToLower(address)
	d.identify(address, methods...)
	if !slices.Contains(d.verifiable, address) {
		d.verifiable = append(d.verifiable, address)
		d.recovery = append(d.recovery, address)
	}
	return ""
}

// check gives what follows from traits, or the reason of a 400.
func (s fakeSchema) check(raw json.RawMessage) (d derived, reason string) {
	var traits map[string]json.RawMessage
	if !asObject(raw, &traits) {
		return d, wrong("/traits", "expected object")
	}
	reason = s(traits, &d)
	return d, reason
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
		if !slices.Contains(known, name) {
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
