package importfile

import (
	"slices"
	"strings"
	"unicode"
)

// kind is how the cells of a column are read.
type kind int

const (
	unknown  kind = iota // not a valid column
	ignored              // cells may hold anything
	unnamed              // cells must be empty
	text                 // a JSON string
	boolean              // true or false, in any letter case
	jsonCell             // JSON
	rowCell              // JSON of the whole body
)

// jsonSuffix of a column's name makes its cells JSON.
const jsonSuffix = ":json"

// rowColumn is the column of whole bodies.
const rowColumn = "row" + jsonSuffix

// maxPath limits the levels of a column's path; the API limits a body to twice as
// many.
const maxPath = 32

// The fields of a body by how a column of that name is read. Other fields need
// the suffix or a path.
var (
	textFields = []string{
		"email", "identity_id", "external_id", "organization_id", "schema_id", "inviter_id", "inviter_name",
		"inviter_email", "locale", "timezone", "return_to", "expires_in",
	}
	booleanFields = []string{"notify", "reactivate", "keep_addresses"}
	objectFields  = []string{"traits", "metadata_public", "metadata_admin"}
	listFields    = []string{"reminders"}
)

// reportColumns are the columns that a report has before those of the bodies.
var reportColumns = []string{"line", "result", "invitation_id", "error_id", "reason", "duplicate_of"}

// column is a named column of a CSV file.
type column struct {
	name string   // canonical: no blanks around it, the field and the suffix in lower case
	path []string // of the value in the body
	kind kind
}

// parseColumn parses a cell of the line with the names. Its kind is unknown if there
// is no such field. If the name is not valid otherwise, wrong says what to do, in
// lower case.
func parseColumn(cell string) (c column, wrong string) {
	name := trimName(cell)
	if name == "" {
		return column{kind: unnamed}, ""
	}
	bare, isJSON := cutSuffixFold(name, jsonSuffix)
	path := strings.Split(bare, ".")
	path[0] = strings.ToLower(path[0])
	c = column{name: strings.Join(path, "."), path: path, kind: text}
	isObject := slices.Contains(objectFields, path[0])
	field := c.name
	switch {
	case strings.ContainsFunc(name, unicode.IsControl):
		return c, "the name of the column " + quote(name) + " contains a control character, such as a line break. Remove it."
	case isObject && slices.Contains(path, ""), len(path) > maxPath:
		return c, "the name of the column " + quote(name) + " is not a path such as traits.name.first."
	case !isJSON && slices.Contains(reportColumns, field):
		c.kind = ignored
	case isJSON && field+jsonSuffix == rowColumn:
		c.kind = rowCell
	case !isJSON && (slices.Contains(objectFields, field) || slices.Contains(listFields, field) || field+jsonSuffix == rowColumn):
		wrong = "the cells of the column " + quote(name) + " must be JSON. Name it " + field + jsonSuffix + "."
		if isObject {
			wrong += " Or name columns of texts by their paths, such as " + field + ".team."
		}
		return c, wrong
	case !isObject && !slices.Contains(textFields, field) && !slices.Contains(booleanFields, field) && !slices.Contains(listFields, field):
		c.kind, c.name = unknown, name
		return c, ""
	case isJSON:
		c.kind = jsonCell
	case slices.Contains(booleanFields, field):
		c.kind = boolean
	}
	if isJSON {
		c.name += jsonSuffix
	}
	return c, ""
}

// trimName removes what is around a name and mostly invisible.
func trimName(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' })
}

// cutSuffixFold cuts an ASCII suffix in any letter case.
func cutSuffixFold(text, suffix string) (string, bool) {
	at := len(text) - len(suffix)
	if at < 0 || !strings.EqualFold(text[at:], suffix) {
		return text, false
	}
	return strings.TrimRightFunc(text[:at], unicode.IsSpace), true
}
