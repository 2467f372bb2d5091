package config

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// freeText matches the keys of texts for people, and of passwords that somebody
// else chose: blanks are their owners' business.
var freeText = regexp.MustCompile(`^(page\.title|courier\.smtp\.from_name|invitation\.allowed_inviter_names\[\d+\]|` +
	`hooks\[\d+\]\.auth\.config\.(user|password))$`)

// strays reports the texts with a character that is easily pasted along and
// hardly seen. Nothing else is reported for such a key: the rest would follow
// from it.
func (k *checks) strays(c Config) {
	eachText(reflect.ValueOf(c), "", func(key, text string) {
		if flaw := strayFlaw(text); flaw != "" && !freeText.MatchString(key) {
			k.that(false, key, flaw)
			k.settled[key] = true
		}
	})
}

// strayFlaw names the first character of text that does not belong there, or
// gives "".
func strayFlaw(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	switch {
	case text == "":
		return ""
	case isInvisible(first):
		return "must not begin with " + called(first) + "; remove it"
	case isInvisible(last):
		return "must not end with " + called(last) + "; remove it"
	}
	for _, r := range text {
		switch {
		case isInvisible(r) && !unicode.IsSpace(r) || unicode.IsControl(r):
			return "must not have " + called(r) + " in it; remove it"
		case unicode.IsSpace(r) && isEncoded(text):
			return "must not have " + called(r) + " in it; remove it, or write " + url.PathEscape(string(r))
		}
	}
	return ""
}

// isEncoded tells whether text is a URL with percent-encoding: the paths of the
// store and of Jsonnet are taken literally.
func isEncoded(text string) bool {
	scheme, _, isURL := strings.Cut(text, "://")
	return isURL && scheme != "bolt" && scheme != "file"
}

func isInvisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// called is what a character is called, with its number in Unicode.
func called(r rune) string {
	name := "an invisible character"
	switch r {
	case ' ':
		name = "a space"
	case '\t':
		name = "a tab"
	case '\n', '\r', 0x85, 0x2028, 0x2029:
		name = "a line break"
	case 0xa0, 0x202f:
		name = "a no-break space"
	case 0x200b:
		name = "a zero-width space"
	case 0xfeff:
		name = "a byte order mark"
	}
	return fmt.Sprintf("%s (U+%04X)", name, r)
}

// eachText visits the texts inside value. Mappings of texts, whose names are the
// operator's own, have rules of their own.
func eachText(value reflect.Value, key string, visit func(key, text string)) {
	switch value.Kind() {
	case reflect.String:
		visit(key, value.String())
	case reflect.Struct:
		for field, member := range value.Fields() {
			eachText(member, join(key, field.Tag.Get("yaml")), visit)
		}
	case reflect.Slice:
		for i := range value.Len() {
			eachText(value.Index(i), index(key, i), visit)
		}
	default: // numbers and flags
	}
}
