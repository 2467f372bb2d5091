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

// headerName matches a token (RFC 9110, 5.6.2), which a cookie's name is too.
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// ownHeaders are set by the bridge or by HTTP itself, in lower case.
var ownHeaders = []string{
	"connection", "content-length", "content-type", "expect", "host", "keep-alive", "proxy-connection",
	"te", "trailer", "transfer-encoding", "upgrade",
}

// headers tells each kind of mistake once and shows no name: in the wrong
// place, it may be a secret.
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
	k.that(valid, at, "must have names of letters, digits and -")
	k.that(free, at, "must not have headers that are set already: webhook-… ones and "+strings.Join(ownHeaders, ", "))
	k.that(distinct, at, "must not have a header twice, in whatever case, nor one that auth sets")
	k.that(sendable, at, "must have values of printable ASCII without line breaks, and no space at either end")
}

// auth checks that an auth is whole and of one kind.
func (k *checks) auth(auth HookAuth, at string) {
	c := auth.Config
	switch auth.Type {
	case "":
		k.that(c == HookAuthConfig{}, at+".type", "must be "+authAPIKey+" or "+authBasic)
	case authAPIKey:
		k.that(c.User == "" && c.Password == "", at+".config",
			"must have name, value and in alone; user and password are for "+authBasic)
		k.authKey(c, at+".config.")
	case authBasic:
		k.that(c.Name == "" && c.Value == "" && c.In == "", at+".config",
			"must have user and password alone; name, value and in are for "+authAPIKey)
		k.that(c.User != "" && !strings.Contains(c.User, ":") && !hasControls(c.User), at+".config.user",
			"must be a name without colon and line breaks")
		password := c.Password.Reveal()
		k.that(password != "" && !hasControls(password), at+".config.password", "must be a password without line breaks")
	default:
		k.oneOf(auth.Type, at+".type", authAPIKey, authBasic)
	}
}

func (k *checks) authKey(c HookAuthConfig, at string) {
	k.oneOf(c.In, at+"in", inHeader, inCookie)
	k.that(headerName.MatchString(c.Name), at+"name", "must be the name of a header or a cookie: letters, digits and -")
	value := c.Value.Reveal()
	if c.In == inCookie {
		k.that(value != "" && isCookieValue(value), at+"value",
			`must be printable ASCII without spaces, and without " , ; and \`)
		return
	}
	k.that(!isOwnHeader(strings.ToLower(c.Name)), at+"name", "must not be a header that is set already, such as Content-Type")
	k.that(value != "" && isHeaderValue(value), at+"value",
		"must be printable ASCII without line breaks, and no space at either end")
}

// header is the header that a sets, in lower case; empty if none.
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
