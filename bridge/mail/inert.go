package mail

import (
	"strings"
	"unicode"
)

const (
	maxName    = 64  // runes of an inviter's name
	maxLocale  = 35  // runes; what BCP 47 asks to be able to hold
	maxSubject = 150 // runes
)

// Joiners carry meaning in Persian, in Indic scripts and in emoji.
const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'

// inert makes a text one line that shows what it says: white space and control
// characters become single spaces, and what is invisible or changes the
// direction of writing goes.
func inert(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
			return r
		case unicode.IsSpace(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), isControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(text, "\ufffd"))
	return strings.Join(strings.Fields(text), " ")
}

// cut shortens a text to so many runes, the ellipsis included.
func cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimSpace(string(runes[:limit-1])) + "…"
}

// personName gives a name fit for a letter, or nothing if there is none left. A
// name that a mail program would turn into a link to elsewhere is no name.
func personName(text string) string {
	name := inert(text)
	folded := strings.ToLower(name)
	visible := func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) }
	if !strings.ContainsFunc(name, visible) || strings.Contains(folded, "://") || strings.Contains(folded, "www.") {
		return ""
	}
	return cut(name, maxName)
}

// subjectLine gives a text fit for a Subject header.
func subjectLine(text string) string {
	// ASCII goes into the header as it is, and a mail program would decode what
	// looks like an encoded word (RFC 2047).
	return strings.ReplaceAll(cut(inert(text), maxSubject), "=?", "= ?")
}

func isControl(r rune) bool { return unicode.Is(unicode.Cc, r) }

func printableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
