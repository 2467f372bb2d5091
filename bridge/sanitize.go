package bridge

import (
	"strings"
	"unicode"
)

// Joiners are significant in Persian, in Indic scripts and in emoji.
const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'

// OneLine returns a text as one line without hidden effects: white space and
// control characters become single spaces; invisible characters and those that
// change the text direction are removed.
func OneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
			return r
		case unicode.IsSpace(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Cc, r):
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(text, "\ufffd"))
	return strings.Join(strings.Fields(text), " ")
}

// Truncate shortens a text to at most limit runes, including the ellipsis.
func Truncate(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimSpace(string(runes[:limit-1])) + "…"
}
