package config

import (
	"strings"

	"golang.org/x/net/idna"
)

// named reports text for key unless value is valid. If only letters beyond ASCII
// in its host are wrong, the host is shown as it should be written, and so the
// one part of a value that a problem may hold: it is no secret where the value
// is sound otherwise.
func (k *checks) named(value, key, text string, valid func(string) bool) {
	if valid(value) {
		return
	}
	if mended, host := inASCII(value); host != "" && valid(mended) {
		text = "must have its host in ASCII: " + host
	}
	k.that(false, key, text)
}

// inASCII writes the host of a URL, of an e-mail address, or a bare one in its
// xn-- form. Host is empty if value has none that needs it.
func inASCII(value string) (mended, host string) {
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
