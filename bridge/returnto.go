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

// ReturnURLs are the places that an invitee may be sent to after accepting.
// Each allows its exact scheme and host, and the paths at or below its own. Apps
// are named by a scheme of their own: myapp://host or com.example.app:/path.
type ReturnURLs []*url.URL

// ParseReturnURLs reads absolute URLs.
func ParseReturnURLs(texts []string) (ReturnURLs, error) {
	urls := make(ReturnURLs, 0, len(texts))
	for _, text := range texts {
		u, ok := parseReturnURL(text)
		if !ok {
			return nil, ErrReturnTo.Reasonf("%q is not an absolute URL without a user name.", text)
		}
		urls = append(urls, u)
	}
	return urls, nil
}

// Check returns nil if text is allowed, else ErrReturnTo.
func (r ReturnURLs) Check(text string) error {
	u, ok := parseReturnURL(text)
	if !ok {
		return ErrReturnTo.Reasonf("return_to must be an absolute URL such as https://app.example.com/welcome.")
	}
	for _, allowed := range r {
		if u.Scheme == allowed.Scheme && strings.EqualFold(u.Host, allowed.Host) && below(u.Path, allowed.Path) {
			return nil
		}
	}
	return ErrReturnTo
}

// parseReturnURL refuses all that browsers and Go might read differently:
// back-slashes, control characters and spaces, user names, dot segments,
// slashes in escapes, and letters beyond ASCII in the host, escaped or not. Dot
// segments are refused however often they are escaped, see hasDotSegment.
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

// isAppURL says whether text names an app by a domain of its maker's, which no
// scheme of the web has, in the form com.example.app:/path (RFC 8252, 7.1).
func isAppURL(text, scheme string) bool {
	rest := text[len(scheme):]
	return strings.Contains(scheme, ".") && strings.HasPrefix(rest, ":/") && !strings.HasPrefix(rest, "://")
}

const maxDecodings = 8 // of a path; nobody who means well needs two

// escape is a percent-encoded byte, in the old form of IIS too.
var escape = regexp.MustCompile(`(?i)%(?:u00)?[0-9a-f]{2}`)

// hasDotSegment says whether a path leads upwards for any server behind the
// browser: proxies and frameworks decode again what was decoded, and cut
// parameters (..;x) and control characters off a segment. A path that is not
// UTF-8 could hold a dot in an overlong form, so it counts as having one.
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
