package kratostest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
)

// fakeSchema is a node of an identity schema. It supports the subset of JSON
// Schema that the schemas in files/ use; a full validator would be the slowest
// part of the fake.
type fakeSchema struct {
	Ref        string                 `json:"$ref"`
	Type       string                 `json:"type"`
	Format     string                 `json:"format"`
	Properties map[string]*fakeSchema `json:"properties"`
	Required   []string               `json:"required"`
	Additional *bool                  `json:"additionalProperties"`
	Items      *fakeSchema            `json:"items"`
	Marks      fakeMarks              `json:"ory.sh/kratos"`

	Definitions map[string]*fakeSchema `json:"definitions"`
	root        *fakeSchema
	text        json.RawMessage // only of a root
}

// fakeMarks is Kratos' extension keyword.
type fakeMarks struct {
	Credentials            map[string]struct{ Identifier bool }
	Verification, Recovery struct{ Via string }
}

// derived holds what Kratos derives from traits, in lower case.
type derived struct {
	identifiers map[string][]string // by credential type
	verifiable  []string
	recovery    []string
}

// parseFakeSchemas parses the built-in schemas and others.
func parseFakeSchemas(others map[string]string) (map[string]*fakeSchema, error) {
	all := readSchemas("files")
	all[DefaultSchema] = all["identity"]
	delete(all, "identity")
	maps.Copy(all, others)
	parsed := make(map[string]*fakeSchema, len(all))
	for id, text := range all {
		root := &fakeSchema{text: json.RawMessage(text)}
		if err := json.Unmarshal(root.text, root); err != nil {
			return nil, fmt.Errorf("kratostest: schema %s: %w", id, err)
		}
		root.link(root)
		parsed[id] = root
	}
	return parsed, nil
}

func (s *fakeSchema) link(root *fakeSchema) {
	s.root = root
	for _, below := range []map[string]*fakeSchema{s.Properties, s.Definitions} {
		for _, child := range below {
			child.link(root)
		}
	}
	if s.Items != nil {
		s.Items.link(root)
	}
}

// check returns what follows from the traits, or the reason for a 400.
func (s *fakeSchema) check(raw json.RawMessage) (d derived, reason string) {
	d.identifiers = map[string][]string{}
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	return d, s.Properties["traits"].visit("/traits", raw, &d)
}

func (s *fakeSchema) visit(path string, raw json.RawMessage, d *derived) (reason string) {
	if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
		return s.root.Definitions[name].visit(path, raw, d)
	}
	switch s.Type {
	case "string":
		var text string
		if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
			return validationError(path, "expected string")
		}
		if s.Format == viaEmail && !isEmail(text) {
			return validationError(path, fmt.Sprintf(`%q is not valid "email"`, text))
		}
		d.add(s.Marks, strings.ToLower(strings.TrimSpace(text)))
	case "number":
		if strings.IndexByte("-0123456789", raw[0]) < 0 {
			return validationError(path, "expected number")
		}
	case "array":
		var items []json.RawMessage
		if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
			return validationError(path, "expected array")
		}
		for i, item := range items {
			if reason := s.Items.visit(fmt.Sprint(path, "/", i), item, d); reason != "" {
				return reason
			}
		}
	case "object":
		return s.visitMembers(path, raw, d)
	}
	return ""
}

func (s *fakeSchema) visitMembers(path string, raw json.RawMessage, d *derived) (reason string) {
	var members map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &members) != nil {
		return validationError(path, "expected object")
	}
	for _, name := range s.Required {
		if _, ok := members[name]; !ok {
			return validationError(path, fmt.Sprintf("missing properties: %q", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		child, ok := s.Properties[name]
		switch {
		case ok:
			reason = child.visit(path+"/"+name, members[name], d)
		case s.Additional != nil && !*s.Additional:
			reason = validationError(path, fmt.Sprintf("additionalProperties %q not allowed", name))
		}
		if reason != "" {
			return reason
		}
	}
	return ""
}

// add records a value according to its marks.
func (d *derived) add(m fakeMarks, value string) {
	for method, c := range m.Credentials {
		if c.Identifier && !slices.Contains(d.identifiers[method], value) {
			d.identifiers[method] = append(d.identifiers[method], value)
		}
	}
	if m.Verification.Via == viaEmail && !slices.Contains(d.verifiable, value) {
		d.verifiable = append(d.verifiable, value)
	}
	if m.Recovery.Via == viaEmail && !slices.Contains(d.recovery, value) {
		d.recovery = append(d.recovery, value)
	}
}

// isEmail accepts the addresses that Kratos accepts: no display names, and only
// ASCII domains.
func isEmail(text string) bool {
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text {
		return false
	}
	domain := text[strings.LastIndexByte(text, '@')+1:]
	return !strings.ContainsFunc(domain, func(r rune) bool { return r > 0x7f })
}

// validationError returns a text in the shape of the validator's reports: a
// summary, followed by the location and the message.
func validationError(path, text string) string {
	return fmt.Sprintf("I[#/traits] S[#/properties/traits] validation failed\n  I[#%s] S[#] %s", path, text)
}
