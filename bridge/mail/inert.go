package mail

import (
	"mime"
	"slices"
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

// maxFirstWord is the longest word that go-mail leaves on the line of
// "Subject:". Before a longer one it folds, and that line stays empty.
const maxFirstWord = 63

// The standard library fills an encoded word up to 75 characters (RFC 2047, 2).
// room takes 12 of the first word, has all of the text encoded, and is cut out
// again.
const room, encodedRoom = "äxxxxxx", "=C3=A4xxxxxx"

// subjectHeader encodes a subject, where needed, so that no line of its header is
// empty or longer than 76 characters.
func subjectHeader(subject string) string {
	long := func(word string) bool { return len(word) > maxFirstWord }
	ascii := !strings.ContainsFunc(subject, func(r rune) bool { return r > '~' })
	if ascii && !slices.ContainsFunc(strings.Fields(subject), long) {
		return subject
	}
	return strings.Replace(mime.QEncoding.Encode("UTF-8", room+subject), encodedRoom, "", 1)
}

func isControl(r rune) bool { return unicode.Is(unicode.Cc, r) }

func printableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
