package mail

import (
	"strings"
	"unicode"

	"invitebridge/bridge"
)

const (
	maxLocale  = 35  // runes; what BCP 47 asks to be able to hold
	maxSubject = 150 // runes
)

// subjectLine gives a text fit for a Subject header.
func subjectLine(text string) string {
	// ASCII goes into the header as it is, and a mail program would decode what
	// looks like an encoded word (RFC 2047).
	return strings.ReplaceAll(bridge.Shorten(bridge.OneLine(text), maxSubject), "=?", "= ?")
}

func isControl(r rune) bool { return unicode.Is(unicode.Cc, r) }

func printableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
