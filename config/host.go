package config

import (
	"strings"

	"golang.org/x/net/idna"
)

// namedInASCII reports text for key unless value is valid. If non-ASCII letters
// in the host are the only mistake, the problem shows how to write the host
// instead. No other part of a value is ever shown: a host is not secret if the
// rest of the value is valid.
func (k *checks) namedInASCII(value, key, text string, valid func(string) bool) {
	if valid(value) {
		return
	}
	if converted, host := inASCII(value); host != "" && valid(converted) {
		text = "must have its host in ASCII: " + host
	}
	k.require(false, key, text)
}

// inASCII converts the host in value, which may be a URL, an email address or a
// host, to its xn-- form. host is empty if nothing needs converting.
func inASCII(value string) (converted, host string) {
	before, rest := "", value
	if scheme, after, isURL := strings.Cut(value, "://"); isURL {
		before, rest = scheme+"://", after
	}
	end := strings.IndexAny(rest+"/", "/?#")
	authority, after := rest[:end], rest[end:]
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		before, authority = before+authority[:at+1], authority[at+1:]
	}
	if colon := strings.LastIndexByte(authority, ':'); colon >= 0 {
		authority, after = authority[:colon], authority[colon:]+after
	}
	ascii, err := idna.Lookup.ToASCII(authority)
	if err != nil || !strings.ContainsFunc(authority, func(r rune) bool { return r >= 0x80 }) {
		return value, ""
	}
	return before + ascii + after, ascii
}
