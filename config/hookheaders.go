package config

import (
	"regexp"
	"slices"
	"strings"
)

const (
	authAPIKey = "api_key"
	authBasic  = "basic_auth"
	inHeader   = "header"
	inCookie   = "cookie"
)

// headerName matches a token (RFC 9110, 5.6.2): a header's or cookie's name.
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// ownHeaders are set by the bridge or by HTTP itself, in lower case.
var ownHeaders = []string{
	"connection", "content-length", "content-type", "expect", "host", "keep-alive", "proxy-connection",
	"te", "trailer", "transfer-encoding", "upgrade",
}

// headers reports each kind of mistake once and shows no name: a secret may
// have been written in the wrong place.
func (k *checks) headers(hook Hook, at string) {
	valid, free, distinct, sendable := true, true, true, true
	seen := map[string]bool{}
	if header := hook.Auth.header(); header != "" {
		seen[header] = true
	}
	for name, value := range hook.Headers {
		lower := strings.ToLower(name)
		valid = valid && headerName.MatchString(name)
		free = free && !isOwnHeader(lower)
		distinct = distinct && !seen[lower]
		sendable = sendable && isHeaderValue(value.Reveal())
		seen[lower] = true
	}
	k.require(valid, at, "must have names of letters, digits and -")
	k.require(free, at, "must not set headers that the bridge sets: webhook-… and "+strings.Join(ownHeaders, ", "))
	k.require(distinct, at, "must not have a header twice, ignoring case, or one that auth sets")
	k.require(sendable, at, "must have values of printable ASCII without line breaks, and without spaces at either end")
}

// auth checks that auth is complete and of one type.
func (k *checks) auth(auth HookAuth, at string) {
	c := auth.Config
	switch auth.Type {
	case "":
		k.require(c == HookAuthConfig{}, at+".type", "must be "+authAPIKey+" or "+authBasic)
	case authAPIKey:
		k.require(c.User == "" && c.Password == "", at+".config",
			"must have only name, value and in; user and password are for "+authBasic)
		k.authKey(c, at+".config.")
	case authBasic:
		k.require(c.Name == "" && c.Value == "" && c.In == "", at+".config",
			"must have only user and password; name, value and in are for "+authAPIKey)
		k.require(c.User != "" && !strings.Contains(c.User, ":") && !hasControls(c.User), at+".config.user",
			"must be a name without colons or line breaks")
		password := c.Password.Reveal()
		k.require(password != "" && !hasControls(password), at+".config.password", "must be a password without line breaks")
	default:
		k.oneOf(auth.Type, at+".type", authAPIKey, authBasic)
	}
}

func (k *checks) authKey(c HookAuthConfig, at string) {
	k.oneOf(c.In, at+"in", inHeader, inCookie)
	k.require(headerName.MatchString(c.Name), at+"name", "must be the name of a header or a cookie: letters, digits and -")
	value := c.Value.Reveal()
	if c.In == inCookie {
		k.require(value != "" && isCookieValue(value), at+"value",
			`must be printable ASCII without spaces and without the characters " , ; \`)
		return
	}
	k.require(!isOwnHeader(strings.ToLower(c.Name)), at+"name", "must not be a header that the bridge sets, such as Content-Type")
	k.require(value != "" && isHeaderValue(value), at+"value",
		"must be printable ASCII without line breaks, and without spaces at either end")
}

// header returns the header that a sets, in lower case; empty if none.
func (a HookAuth) header() string {
	switch {
	case a.Type == authBasic:
		return "authorization"
	case a.Type == authAPIKey && a.Config.In == inCookie:
		return "cookie"
	case a.Type == authAPIKey:
		return strings.ToLower(a.Config.Name)
	}
	return ""
}

func isOwnHeader(lower string) bool {
	return slices.Contains(ownHeaders, lower) || strings.HasPrefix(lower, "webhook-")
}

func isHeaderValue(text string) bool {
	return text == strings.Trim(text, " \t") &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' })
}

func isCookieValue(text string) bool { return isPrintable(text) && !strings.ContainsAny(text, `",;\`) }
