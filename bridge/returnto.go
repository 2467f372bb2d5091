package bridge

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ReturnURLs are the URLs to which an invitee may be redirected after accepting.
// Each permits its exact scheme and host, and the paths at or below its own. Apps
// use a custom scheme: myapp://host or com.example.app:/path.
type ReturnURLs []*url.URL

// ParseReturnURLs parses absolute URLs.
//
// Errors: ErrReturnToNotAllowed.
func ParseReturnURLs(texts []string) (ReturnURLs, error) {
	urls := make(ReturnURLs, 0, len(texts))
	for _, text := range texts {
		u, ok := parseReturnURL(text)
		if !ok {
			return nil, ErrReturnToNotAllowed.WithReasonf("%q is not an absolute URL without a user name.", text)
		}
		urls = append(urls, u)
	}
	return urls, nil
}

// Check returns nil if text is permitted.
//
// Errors: ErrReturnToNotAllowed.
func (r ReturnURLs) Check(text string) error {
	u, ok := parseReturnURL(text)
	if !ok {
		return ErrReturnToNotAllowed.WithReasonf("return_to must be an absolute URL such as https://app.example.com/welcome.")
	}
	for _, allowed := range r {
		if u.Scheme == allowed.Scheme && strings.EqualFold(u.Host, allowed.Host) && below(u.Path, allowed.Path) {
			return nil
		}
	}
	return ErrReturnToNotAllowed
}

// parseReturnURL rejects everything that browsers and Go might parse differently:
// backslashes, control characters and spaces, user names, dot segments, escaped
// slashes, and non-ASCII letters in the host, escaped or not. Dot segments are
// rejected however often they are escaped, see hasDotSegment.
func parseReturnURL(text string) (*url.URL, bool) {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) {
		return nil, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !isASCII(u.Host) || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	if u.Host == "" && !isAppURL(text, u.Scheme) {
		return nil, false
	}
	if strings.Contains(u.Path, "\\") || strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return nil, false
	}
	if u.Path != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && u.Path != "/" {
		return nil, false
	}
	return u, !hasDotSegment(u.Path)
}

// isAppURL reports whether text is the URL of an app in the form
// com.example.app:/path (RFC 8252, 7.1). The scheme contains a dot, which no web
// scheme does.
func isAppURL(text, scheme string) bool {
	rest := text[len(scheme):]
	return strings.Contains(scheme, ".") && strings.HasPrefix(rest, ":/") && !strings.HasPrefix(rest, "://")
}

const maxDecodings = 8 // of a path; legitimate URLs need one

// escape matches a percent-encoded byte, including the old %u form of IIS.
var escape = regexp.MustCompile(`(?i)%(?:u00)?[0-9a-f]{2}`)

// hasDotSegment reports whether any server could interpret a segment of the path
// as a dot segment: proxies and frameworks decode repeatedly, and strip parameters
// (..;x) and control characters. Invalid UTF-8 could contain a dot in an overlong
// encoding, so it counts as a dot segment.
func hasDotSegment(p string) bool {
	for range maxDecodings {
		if !utf8.ValidString(p) || slices.ContainsFunc(strings.FieldsFunc(p, isSlash), isDotSegment) {
			return true
		}
		decoded := escape.ReplaceAllStringFunc(p, func(e string) string {
			b, _ := strconv.ParseUint(e[len(e)-2:], 16, 8)
			return string([]byte{byte(b)})
		})
		if decoded == p {
			return false
		}
		p = decoded
	}
	return true
}

func isSlash(r rune) bool { return r == '/' || r == '\\' }

func isDotSegment(segment string) bool {
	segment = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, asciiSeparators.Replace(segment))
	if end := strings.IndexAny(segment, ";?#"); end >= 0 {
		segment = segment[:end]
	}
	return segment == "." || segment == ".."
}

func below(p, base string) bool {
	base = strings.TrimSuffix(base, "/")
	return p == base || strings.HasPrefix(p, base+"/")
}
