package bridge

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ToASCII turns an internationalised domain name into its ASCII form, and
// refuses what is not a domain name. It is given to the domain because the
// Unicode tables behind it are a library's business.
type ToASCII func(domain string) (string, error)

const (
	maxEmailLength = 254 // RFC 5321, 4.5.3.1.3, less the angle brackets
	maxLocalLength = 64  // RFC 5321, 4.5.3.1.1
)

var (
	localPart  = regexp.MustCompile("^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+$")
	domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// encodedWord is one of RFC 2047. None may be in an address, but programs
	// decode them there: =?utf-8?q?eve=40evil.example?=@example.com becomes Eve's.
	encodedWord = regexp.MustCompile(`=\?.*\?[bq]\?.*\?=`)
)

// ParseEmail reads one plain address, with or without blanks around it, and gives
// its canonical form: lower case, the domain in ASCII. Everything that a mail
// system might read as more or other than one address is ErrEmailInvalid: display
// names, comments, quotes, encoded words, lists, address literals, white space
// within or line ends, and letters beyond ASCII before the @, which Kratos would
// fold into somebody else's mailbox (U+212A becomes k).
//
// Dots may stand anywhere before the @, as in addresses that some carriers gave
// out: where they do, that part is quoted in email (RFC 5321, 4.1.2). Whether the
// identity system takes such an address is for its schema to say.
func ParseEmail(text string, toASCII ToASCII) (string, error) {
	text = strings.TrimFunc(text, isBlank)
	if len(text) > maxEmailLength {
		return "", ErrEmailInvalid.Reasonf("The e-mail address is longer than %d bytes.", maxEmailLength)
	}
	local, domain, found := strings.Cut(text, "@")
	// idna takes a byte that is no letter for U+FFFD, and does not refuse that one.
	if !found || strings.Contains(domain, "@") || !isASCII(local) || !utf8.ValidString(domain) {
		return "", ErrEmailInvalid
	}
	domain, err := toASCII(domain)
	if err != nil {
		return "", ErrEmailInvalid.Because(err)
	}
	local, domain = strings.ToLower(local), strings.ToLower(domain)
	switch email := local + "@" + domain; {
	case len(local) > maxLocalLength, len(email) > maxEmailLength,
		!localPart.MatchString(local), encodedWord.MatchString(local), !domainName.MatchString(domain):
		return "", ErrEmailInvalid
	default:
		return email, nil
	}
}

// isBlank takes what is pasted along with an address, and no line end.
func isBlank(r rune) bool { return r == '\t' || unicode.Is(unicode.Zs, r) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
