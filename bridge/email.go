package bridge

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ToASCII converts an internationalized domain name to its ASCII form, and
// rejects what is not a domain name. It is injected because the Unicode tables
// come from a library that this package must not import.
type ToASCII func(domain string) (string, error)

const (
	maxEmailLength = 254 // RFC 5321, 4.5.3.1.3, less the angle brackets
	maxLocalLength = 64  // RFC 5321, 4.5.3.1.1
)

var (
	localPart  = regexp.MustCompile("^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+$")
	domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// encodedWord matches an encoded word of RFC 2047. Addresses must not contain
	// one, but some programs decode them there:
	// =?utf-8?q?eve=40evil.example?=@example.com becomes an address of evil.example.
	encodedWord = regexp.MustCompile(`=\?.*\?[bq]\?.*\?=`)
)

// ParseEmail parses one plain address, ignoring blanks around it, and returns its
// canonical form: lower case, the domain in ASCII. It rejects everything that a
// mail system might read as more than one address or as a different one: display
// names, comments, quotes, encoded words, lists, address literals, white space or
// line ends inside, and non-ASCII letters before the @, which Kratos would fold
// into a different mailbox (U+212A becomes k).
//
// Dots may appear anywhere before the @, as in addresses that some carriers have
// issued; in email that part is then quoted (RFC 5321, 4.1.2). Whether the
// identity system accepts such an address depends on its schema.
//
// Errors: ErrEmailInvalid.
func ParseEmail(text string, toASCII ToASCII) (string, error) {
	text = strings.TrimFunc(text, isBlank)
	if len(text) > maxEmailLength {
		return "", ErrEmailInvalid.WithReasonf("The email address is longer than %d bytes.", maxEmailLength)
	}
	local, domain, found := strings.Cut(text, "@")
	// idna maps invalid UTF-8 to U+FFFD and accepts that.
	if !found || strings.Contains(domain, "@") || !isASCII(local) || !utf8.ValidString(domain) {
		return "", ErrEmailInvalid
	}
	domain, err := toASCII(domain)
	if err != nil {
		return "", ErrEmailInvalid.WithCause(err)
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

// isBlank matches white space that is pasted along with an address, except line
// ends.
func isBlank(r rune) bool { return r == '\t' || unicode.Is(unicode.Zs, r) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
