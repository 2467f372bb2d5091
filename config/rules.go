package config

import (
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// tokenMark stands for the invitation token in a link.
const tokenMark = "{token}"

var (
	basePath  = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	traitPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	hostName  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)
)

// activeSchemes make a browser run, show or read something instead of going
// somewhere. Nobody returns to them.
var activeSchemes = []string{"about", "blob", "data", "file", "javascript", "vbscript", "view-source"}

// boltPath returns the file that a DSN names.
func boltPath(dsn string) (string, bool) { return filePath(dsn, "bolt://") }

// filePath returns the file that a URL of that scheme names. The path is taken
// literally, so characters that mean something else in a URL are refused.
func filePath(text, scheme string) (string, bool) {
	file, ok := strings.CutPrefix(text, scheme)
	if !ok || !isAbsolute(file) || strings.HasSuffix(file, "/") || strings.ContainsAny(file, "?#%") {
		return "", false
	}
	return file, true
}

// isAbsolute tells whether text is an absolute path that can be shown on a line.
func isAbsolute(text string) bool { return path.IsAbs(text) && !hasControls(text) }

func hasControls(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// isLabel tells whether text could be the inviter_name of an invitation.
func isLabel(text string) bool { return text != "" && len(text) <= 256 && !hasControls(text) }

func isBasePath(text string) bool {
	return basePath.MatchString(text) && path.Clean(text) == text
}

func isWithin(text, parent string) bool {
	return text == parent || strings.HasPrefix(text, parent+"/")
}

func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return hostName.MatchString(text)
}

func isHostPort(text string) bool {
	u, err := url.Parse("https://" + text)
	return err == nil && u.Host == text && hasHost(u)
}

// hasHost tells whether u has a host a connection could be made to.
func hasHost(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") || !isHost(u.Hostname()) {
		return false
	}
	if u.Port() == "" {
		return true
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port >= 1 && port <= 65535
}

// isWebURL tells whether text is an absolute http or https URL without a user.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && hasHost(u) && u.User == nil
}

// isBare tells whether text has neither query nor fragment, not even an empty
// one.
func isBare(text string) bool { return !strings.ContainsAny(text, "?#") }

// isReturnURL tells whether a browser may be sent to text: a page, or an app
// by a scheme of its own.
func isReturnURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || slices.Contains(activeSchemes, u.Scheme) || u.Host == "" && !isAppURL(text, u) {
		return false
	}
	return isPlainPath(text, u.Path) && (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "" || isWebURL(text))
}

// isAppURL tells whether text names an app by a domain of its maker's, in the
// form com.example.app:/path (RFC 8252, 7.1).
func isAppURL(text string, u *url.URL) bool {
	return strings.Contains(u.Scheme, ".") && u.Opaque == "" && strings.HasPrefix(text[len(u.Scheme):], ":/") &&
		!strings.HasPrefix(text[len(u.Scheme):], "://")
}

// isPlainPath tells whether nobody reads the address otherwise than Go does: no
// back-slashes, dot segments or empty ones, and nothing but ASCII. The domain
// refuses the same, so what is good here is good there.
func isPlainPath(text, decoded string) bool {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) || strings.Contains(decoded, "\\") {
		return false
	}
	return decoded == "" || decoded == "/" || path.Clean(decoded) == strings.TrimSuffix(decoded, "/")
}

// isLinkTemplate tells whether text becomes a web URL by putting in a token.
func isLinkTemplate(text string) bool {
	if strings.Count(text, tokenMark) != 1 || strings.ContainsAny(strings.Replace(text, tokenMark, "", 1), "{}") {
		return false
	}
	// A token in scheme, user or host leaves a mark there that is no URL.
	return isWebURL(text)
}

// isOrigin tells whether text is an origin in the one spelling browsers send;
// any other would never match.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !hasHost(u) || text != strings.ToLower(u.Scheme+"://"+u.Host) {
		return false
	}
	own := map[string]string{"http": "80", "https": "443"}
	return u.Port() == "" || u.Port() != own[u.Scheme]
}

// isPrintable tells whether text may stand in a header as one word.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// parseNetwork reads an IP address or a network of them. Addresses with a zone
// and IPv4 in the clothes of IPv6 are refused: no client address, once parsed,
// would match them.
func parseNetwork(text string) (netip.Prefix, bool) {
	network, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, false
		}
		network = netip.PrefixFrom(addr, addr.BitLen())
	}
	return network.Masked(), !network.Addr().Is4In6()
}
