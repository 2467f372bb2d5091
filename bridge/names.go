package bridge

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// MaxPersonName is the length of a name that is shown to invitees, in runes.
const MaxPersonName = 64

// InviterName gives an inviter's name as anybody may be shown it: on one line,
// or nothing if a mail program could turn a part of it into a link, or if there
// is nothing to see. A name in allowed is kept whatever it looks like. It is not
// shortened.
func InviterName(text string, allowed []string) string {
	name := OneLine(text)
	same := func(entry string) bool { return OneLine(entry) == name }
	if !visible(name) || isLink(name) && !slices.ContainsFunc(allowed, same) {
		return ""
	}
	return name
}

// PersonName fits a name from [InviterName] into a page or an email: one line of
// at most MaxPersonName runes, or nothing if there is nothing to see.
func PersonName(text string) string {
	name := OneLine(text)
	if !visible(name) {
		return ""
	}
	return Shorten(name, MaxPersonName)
}

func visible(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) })
}

// link finds what mail programs make links of. It errs on the side of finding
// one, because a name that is missing does less harm than a link that nobody
// vouched for. It does not know which top-level domains exist: they change.
var link = regexp.MustCompile(strings.Join([]string{
	`@`,
	`//`,
	`(?i:www)\.\S`,
	`[^\s\p{P}]\.\pM*[\pL\p{Nl}\p{So}]\pM*[\pL\pN\p{So}]`, // evil.com, x.i2p; not J.R.R., .NET
	// One character that stands for several letters, such as ㏄ or ﬁ; initials
	// are upper case, or of a script without case.
	`[^\s\p{P}]\.\pM*[^[:ascii:]\p{Lu}\p{Lo}\pM\p{Nd}\pP]`,
	`\.\S*/`,
	`\pN[\pN\pM]*(?:\.\pM*\pN[\pN\pM]*){3}`, // IPv4
	`:\S*:`,                                 // IPv6
	`[^\s\p{P}]{2}:\S`,                      // a scheme, but not the Swedish S:t
	`[℀℁℅℆⒈-⒛⩴㏂㏇㏘🄀]`,                        // hold a dot, a slash or a colon of their own
}, "|"))

// isLink looks at a name with and without its joiners: some programs see them
// as the end of a word, and others do not see them.
func isLink(name string) bool {
	name = asciiSeparators.Replace(name)
	return link.MatchString(name) || link.MatchString(noJoiners.Replace(name))
}

var noJoiners = strings.NewReplacer(string(zeroWidthJoiner), "", string(zeroWidthNonJoiner), "")

// asciiSeparators spells in ASCII what browsers read as ASCII.
var asciiSeparators = strings.NewReplacer(
	"\u2024", ".", "\u3002", ".", "\ufe52", ".", "\uff0e", ".", "\uff61", ".",
	"\ufe13", ":", "\ufe55", ":", "\uff1a", ":",
	"\ufe6b", "@", "\uff20", "@",
	"\uff0f", "/",
)
