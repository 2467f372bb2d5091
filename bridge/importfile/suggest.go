package importfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// namesOfPeople are how schemas usually store them.
const namesOfPeople = "traits.name, or traits.name.first and traits.name.last"

// aliases are names of other programs' columns, as squash returns them. They are
// suggested and never accepted: only the sender knows what a column means.
var aliases = map[string]string{
	"mail": "email", "emailaddress": "email", "mailaddress": "email", "emailadresse": "email", "mailadresse": "email", "primaryemail": "email", "workemail": "email",
	"name": namesOfPeople, "fullname": namesOfPeople, "displayname": namesOfPeople,
	"firstname": "traits.name.first", "givenname": "traits.name.first", "forename": "traits.name.first", "vorname": "traits.name.first",
	"lastname": "traits.name.last", "surname": "traits.name.last", "familyname": "traits.name.last", "nachname": "traits.name.last",
	"phone": "traits.phone", "phonenumber": "traits.phone", "telephone": "traits.phone", "mobile": "traits.phone", "telefon": "traits.phone",
	"language": "locale", "lang": "locale", "sprache": "locale", "tz": "timezone", "schema": "schema_id", "inviter": "inviter_name",
	"id": "external_id", "userid": "external_id", "organization": "organization_id", "organisation": "organization_id",
	"expires": "expires_in", "lifespan": "expires_in", "redirect": "return_to", "redirecturl": "return_to", "metadata": "metadata_public",
}

// describeUnknown returns what is wrong with unknown columns, and what the sender may
// have meant.
func describeUnknown(names []string) string {
	const limit = 12
	if len(names) == 1 {
		text := "the column " + quote(names[0]) + " is unknown. "
		switch meant := suggest(names[0]); {
		case meant == "":
			return text + "If it is a trait, name it by its path, such as traits." + shorten(asTrait(names[0])) + "; otherwise remove the column."
		case strings.HasPrefix(meant, "traits."):
			return text + "Did you mean " + meant + "? A trait is named by its path in the identity schema."
		default:
			return text + "Did you mean " + meant + "?"
		}
	}
	var list []string
	for _, name := range names[:min(limit, len(names))] {
		item := quote(name)
		if meant := suggest(name); meant != "" {
			item += " (" + meant + "?)"
		}
		list = append(list, item)
	}
	text := strings.Join(list, ", ")
	if more := len(names) - limit; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return "the columns " + text + " are unknown. Rename them, traits by their paths such as traits.name.first, or remove them."
}

// suggest returns the column that the sender of an unknown one may have meant; empty:
// none is similar.
func suggest(name string) string {
	name, _ = cutSuffixFold(name, jsonSuffix)
	field, below, isPath := strings.Cut(name, ".")
	if isPath && below != "" {
		switch near := nearest(squash(field), objectFields); {
		case near != "":
			return near + "." + shorten(below)
		case nearest(squash(field), simpleFields()) == "":
			return "traits." + shorten(name)
		}
		name = field
	}
	squashed := squash(name)
	if alias := aliases[squashed]; alias != "" {
		return alias
	}
	return nearest(squashed, slices.Concat(simpleFields(), objectFields, reportColumns))
}

// asTrait returns a name as schemas usually spell it.
func asTrait(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), "_")) }

func simpleFields() []string { return slices.Concat(textFields, booleanFields, listFields) }

// squash keeps the letters and digits of a name, in lower case.
func squash(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// nearest returns the known name with the fewest typing errors; empty: each has
// more than one in three characters.
func nearest(squashed string, known []string) (near string) {
	runes := []rune(squashed)
	if len(runes) > 40 { // no known name is that long
		return ""
	}
	least := (len(runes)+2)/3 + 1
	for _, name := range known {
		if d := distance(runes, []rune(squash(name))); d < least {
			least, near = d, name
		}
	}
	return near
}

// distance returns how many characters are missing, additional, different or
// swapped with their neighbor.
func distance(a, b []rune) int {
	previous, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before := previous
		previous, row = row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			different := 1
			if a[i-1] == b[j-1] {
				different = 0
			}
			row[j] = min(previous[j]+1, row[j-1]+1, previous[j-1]+different)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// shorten truncates a name for an error text and makes it printable.
func shorten(name string) string {
	quoted := quote(name)
	return quoted[1 : len(quoted)-1]
}
