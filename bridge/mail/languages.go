package mail

import (
	"maps"
	"slices"
	"strings"
)

// fallback is the language for invitations without a locale, or with one that
// has no templates.
const fallback = "en"

// templates holds the emails of each language by its lower-case tag.
type templates map[string]*emailTemplate

// LocaleSupported reports whether there are templates for locale, and returns
// the tags of all languages in alphabetical order.
func (m *Mailer) LocaleSupported(locale string) (known bool, languages []string) {
	return m.templates.find(locale) != nil, slices.Sorted(maps.Keys(m.templates))
}

// choose returns the email template for a locale, or the English one.
func (l templates) choose(locale string) *emailTemplate {
	if found := l.find(locale); found != nil {
		return found
	}
	return l[fallback]
}

// find returns the email template for a locale such as de, de-AT, de_DE.UTF-8
// or "de-AT,en;q=0.8": that of the longest known prefix of its first tag. Nil:
// there is none.
func (l templates) find(locale string) *emailTemplate {
	for tag := languageTag(locale); tag != ""; {
		if found, ok := l[tag]; ok {
			return found
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return nil
}

// languageTag returns the first tag of a locale in lower case, its parts joined
// by hyphens.
func languageTag(locale string) string {
	if end := strings.IndexAny(locale, ",;.@"); end >= 0 {
		locale = locale[:end]
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(locale), "_", "-"))
}
