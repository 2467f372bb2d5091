package mail

import (
	"maps"
	"slices"
	"strings"
)

// fallback is the language of those who ask for none, or for one we lack.
const fallback = "en"

// letters are the letters of each language, by its tag in lower case.
type letters map[string]*letter

// Speaks says whether there are texts for a locale, and the tags of the languages
// there are, in the order of the alphabet.
func (m *Mailer) Speaks(locale string) (known bool, languages []string) {
	return m.letters.find(locale) != nil, slices.Sorted(maps.Keys(m.letters))
}

// choose gives the letter for a locale, or the English one.
func (l letters) choose(locale string) *letter {
	if found := l.find(locale); found != nil {
		return found
	}
	return l[fallback]
}

// find gives the letter for a locale such as de, de-AT, de_DE.UTF-8 or
// "de-AT,en;q=0.8": the longest known beginning of its tag. Nil: there is none.
func (l letters) find(locale string) *letter {
	for tag := languageTag(locale); tag != ""; {
		if found, ok := l[tag]; ok {
			return found
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return nil
}

// languageTag gives the first tag of a locale in lower case, its parts joined
// by hyphens.
func languageTag(locale string) string {
	if end := strings.IndexAny(locale, ",;.@"); end >= 0 {
		locale = locale[:end]
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(locale), "_", "-"))
}
