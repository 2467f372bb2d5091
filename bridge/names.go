package bridge

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// MaxPersonName is the maximum length of a name shown to invitees, in runes.
const MaxPersonName = 64

// InviterName returns an inviter's name on one line, so that it can be shown
// safely. It returns an empty string if a mail program could turn a part of the
// name into a link, or if the name has no visible character. Names in allowed are
// kept even if they look like a link. It does not truncate.
func InviterName(text string, allowed []string) string {
	name := OneLine(text)
	same := func(entry string) bool { return OneLine(entry) == name }
	if !visible(name) || isLink(name) && !slices.ContainsFunc(allowed, same) {
		return ""
	}
	return name
}

// PersonName returns a name from [InviterName] for a page or an email: one line of
// at most MaxPersonName runes, or an empty string if it has no visible character.
func PersonName(text string) string {
	name := OneLine(text)
	if !visible(name) {
		return ""
	}
	return Truncate(name, MaxPersonName)
}

func visible(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) })
}

// link matches texts that mail programs turn into links. It prefers false
// positives: a missing name does less harm than an unvouched link. It does not
// know the existing top-level domains, because they change.
var link = regexp.MustCompile(strings.Join([]string{
	`@`,
	`//`,
	`(?i:www)\.\S`,
	`[^\s\p{P}]\.\pM*[\pL\p{Nl}\p{So}]\pM*[\pL\pN\p{So}]`, // evil.com, x.i2p; not J.R.R., .NET
	// One character that stands for several letters, such as ㏄ or ﬁ. Initials are
	// exempt: upper case, or of a script without case.
	`[^\s\p{P}]\.\pM*[^[:ascii:]\p{Lu}\p{Lo}\pM\p{Nd}\pP]`,
	`\.\S*/`,
	`\pN[\pN\pM]*(?:\.\pM*\pN[\pN\pM]*){3}`, // IPv4
	`:\S*:`,                                 // IPv6
	`[^\s\p{P}]{2}:\S`,                      // a scheme, but not the Swedish S:t
	`[℀℁℅℆⒈-⒛⩴㏂㏇㏘🄀]`,                        // contain a dot, a slash or a colon
}, "|"))

// isLink checks a name with and without its joiners: some programs treat them as
// the end of a word, others ignore them.
func isLink(name string) bool {
	name = asciiSeparators.Replace(name)
	return link.MatchString(name) || link.MatchString(noJoiners.Replace(name))
}

var noJoiners = strings.NewReplacer(string(zeroWidthJoiner), "", string(zeroWidthNonJoiner), "")

// asciiSeparators replaces characters that browsers treat as ASCII separators.
var asciiSeparators = strings.NewReplacer(
	"\u2024", ".", "\u3002", ".", "\ufe52", ".", "\uff0e", ".", "\uff61", ".",
	"\ufe13", ":", "\ufe55", ":", "\uff1a", ":",
	"\ufe6b", "@", "\uff20", "@",
	"\uff0f", "/",
)
