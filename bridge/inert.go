package bridge

import (
	"strings"
	"unicode"
)

// Joiners carry meaning in Persian, in Indic scripts and in emoji.
const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'

// OneLine makes a text one line that shows what it says: white space and
// control characters become single spaces, and what is invisible or changes the
// direction of writing goes.
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

// Shorten cuts a text to so many runes, the ellipsis included.
func Shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimSpace(string(runes[:limit-1])) + "…"
}
