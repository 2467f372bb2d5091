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

// freeText matches the keys of texts that people read, and of credentials that
// the receiver of a hook chose: these may have any white space.
var freeText = regexp.MustCompile(`^(page\.title|courier\.smtp\.from_name|invitation\.allowed_inviter_names\[\d+\]|` +
	`hooks\[\d+\]\.auth\.config\.(user|password))$`)

// strays reports strings with an invisible character, such as one that was
// pasted by accident. Nothing else is reported for such a key: other problems
// would be consequences.
func (k *checks) strays(c Config) {
	eachText(reflect.ValueOf(c), "", func(key, text string) {
		if problem := strayProblem(text); problem != "" && !freeText.MatchString(key) {
			k.require(false, key, problem)
			k.reported[key] = true
		}
	})
}

// strayProblem returns a problem with the first stray character of text, or "".
func strayProblem(text string) string {
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
			return "must not contain " + called(r) + "; remove it"
		case unicode.IsSpace(r) && isEncoded(text):
			return "must not contain " + called(r) + "; remove it, or write " + url.PathEscape(string(r))
		}
	}
	return ""
}

// isEncoded reports whether text is a URL with percent-encoding: the paths of
// the store and of Jsonnet files are literal.
func isEncoded(text string) bool {
	scheme, _, isURL := strings.Cut(text, "://")
	return isURL && scheme != "bolt" && scheme != "file"
}

func isInvisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// called returns the name of a character and its Unicode code point.
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

// eachText visits the strings inside value. It skips mappings of strings, whose
// names the operator chooses: they are checked elsewhere.
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
