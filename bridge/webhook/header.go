package webhook

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// reservedHeaders are set by the bridge or by the HTTP library.
var reservedHeaders = []string{
	"Connection", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
	headerID, headerTimestamp, headerSignature,
}

// headers returns the headers of every request of a hook: those of the operator,
// the authentication, and the content type.
func (c *validator) headers(key string, h Hook) http.Header {
	header := make(http.Header)
	for _, name := range sortedKeys(h.Headers) {
		if !c.mayAdd(key+".headers", header, name) {
			continue
		}
		if !httpguts.ValidHeaderFieldValue(h.Headers[name]) {
			c.problem(key+".headers", "the value of %q cannot be sent in a header", name)
			continue
		}
		header.Set(name, h.Headers[name])
	}
	c.auth(key+".auth", header, h.Auth)
	header.Set("Content-Type", "application/json")
	return header
}

// mayAdd reports whether a header of this name may be added to header.
func (c *validator) mayAdd(key string, header http.Header, name string) bool {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		c.problem(key, "%.80q is not a valid header name", name)
	case slices.Contains(reservedHeaders, canonical) || strings.HasPrefix(canonical, "Webhook-"):
		c.problem(key, "%q is reserved for the bridge", name)
	case header.Values(canonical) != nil:
		c.problem(key, "%q is set twice", name)
	default:
		return true
	}
	return false
}

// auth adds a hook's credentials to header.
func (c *validator) auth(key string, header http.Header, a Auth) {
	isKey, isBasic := a.Name+a.Value+a.In != "", a.User+a.Password != ""
	switch {
	case a.Type == "" && (isKey || isBasic):
		c.problem(key+".type", "must be %q or %q", AuthAPIKey, AuthBasic)
	case a.Type == "":
	case a.Type == AuthAPIKey && !isBasic:
		c.apiKey(key+".config", header, a)
	case a.Type == AuthBasic && !isKey:
		switch {
		case a.User == "":
			c.problem(key+".config.user", "must not be empty")
		case strings.Contains(a.User, ":"):
			c.problem(key+".config.user", "must not contain a colon")
		case c.mayAdd(key, header, "Authorization"):
			pair := base64.StdEncoding.EncodeToString([]byte(a.User + ":" + a.Password))
			header.Set("Authorization", "Basic "+pair)
		}
	case a.Type == AuthAPIKey:
		c.problem(key+".config", "user and password are for %q", AuthBasic)
	case a.Type == AuthBasic:
		c.problem(key+".config", "name, value and in are for %q", AuthAPIKey)
	default:
		c.problem(key+".type", "must be %q or %q", AuthAPIKey, AuthBasic)
	}
}

func (c *validator) apiKey(key string, header http.Header, a Auth) {
	if a.Value == "" {
		c.problem(key+".value", "must not be empty")
	}
	switch a.In {
	case "", "header":
		if !httpguts.ValidHeaderFieldValue(a.Value) {
			c.problem(key+".value", "cannot be sent in a header")
		} else if c.mayAdd(key+".name", header, a.Name) {
			header.Set(a.Name, a.Value)
		}
	case "cookie":
		//nolint:gosec // sent to a server; Secure and HttpOnly are for browsers
		cookie := &http.Cookie{Name: a.Name, Value: a.Value}
		if cookie.Valid() != nil {
			c.problem(key, "name and value cannot be sent in a cookie")
		} else if c.mayAdd(key, header, "Cookie") {
			header.Set("Cookie", cookie.String())
		}
	default:
		c.problem(key+".in", "must be \"header\" or \"cookie\"")
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
