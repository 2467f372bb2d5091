package bridge_test

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// browserURL is where a browser goes, by the WHATWG URL standard as far as it
// matters here. See https://url.spec.whatwg.org/#url-parsing.
type browserURL struct {
	scheme, host, user string
	segments           []string // of the path, decoded one by one
}

var defaultPorts = map[string]string{"http": ":80", "https": ":443", "ws": ":80", "wss": ":443", "ftp": ":21"}

// browse parses a text as a browser would and reports whether it has a host.
func browse(text string) (p browserURL, ok bool) {
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(text)
	scheme, rest, found := strings.Cut(text, ":")
	if !found || !isScheme(scheme) {
		return p, false
	}
	p.scheme = strings.ToLower(scheme)
	port, special := defaultPorts[p.scheme]
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	if special {
		rest = strings.TrimLeft(strings.ReplaceAll(rest, `\`, "/"), "/")
	} else if rest, ok = strings.CutPrefix(rest, "//"); !ok {
		return p, false
	}
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		p.user, authority = authority[:at+1], authority[at+1:]
	}
	p.host = authority
	if special {
		p.host, ok = domain(strings.TrimSuffix(strings.TrimSuffix(authority, port), ":"))
		if !ok {
			return p, false
		}
	}
	p.segments = resolveDots(path)
	return p, p.host != ""
}

func isScheme(s string) bool {
	for i, r := range strings.ToLower(s) {
		if (r < 'a' || r > 'z') && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return false
		}
	}
	return s != ""
}

// domain decodes and maps a host name. The port stays as it is.
func domain(host string) (string, bool) {
	name, port := host, ""
	if colon := strings.LastIndex(host, ":"); colon > strings.LastIndex(host, "]") {
		name, port = host[:colon], host[colon:]
	}
	if strings.HasPrefix(name, "[") {
		return strings.ToLower(host), true
	}
	name, err := url.PathUnescape(name)
	if err == nil {
		name, err = idna.New(idna.MapForLookup(), idna.Transitional(false)).ToASCII(name)
	}
	return name + port, err == nil
}

// resolveDots resolves the dot segments of a path, escaped ones included.
func resolveDots(path string) (segments []string) {
	for _, segment := range strings.Split(path, "/") {
		dots := strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			decoded = segment
		}
		switch dots {
		case ".":
		case "..":
			segments = segments[:max(0, len(segments)-1)]
		default:
			segments = append(segments, decoded)
		}
	}
	return segments
}

// within reports whether p is at or below base. Host names are case-insensitive
// (RFC 3986).
func (p browserURL) within(base browserURL) bool {
	if n := len(base.segments); n > 0 && base.segments[n-1] == "" {
		base.segments = base.segments[:n-1]
	}
	return p.scheme == base.scheme && p.user == "" && strings.EqualFold(p.host, base.host) &&
		len(p.segments) >= len(base.segments) && slices.Equal(p.segments[:len(base.segments)], base.segments)
}
