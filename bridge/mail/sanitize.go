package mail

import (
	"mime"
	"slices"
	"strings"
	"unicode"

	"invitebridge/bridge"
)

const (
	maxLocale  = 35  // runes; the length that BCP 47 requires support for
	maxSubject = 150 // runes
)

// subjectLine returns text in a form that is safe in a Subject header.
func subjectLine(text string) string {
	// ASCII goes into the header unchanged, and a mail program would decode
	// anything that looks like an encoded word (RFC 2047).
	return strings.ReplaceAll(bridge.Truncate(bridge.OneLine(text), maxSubject), "=?", "= ?")
}

// maxFirstWord is the length in bytes of the longest word that go-mail keeps on
// the line of "Subject:". It folds before a longer one, which leaves that line
// empty.
const maxFirstWord = 63

// The standard library fills an encoded word up to 75 characters (RFC 2047, 2),
// which leaves no space for "Subject: ". The prefix room reserves 12 characters
// of the first word, forces the text to be encoded, and is removed afterwards.
const room, encodedRoom = "äxxxxxx", "=C3=A4xxxxxx"

// subjectHeader encodes a subject where needed, so that no line of its header
// is empty or longer than 76 characters.
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
