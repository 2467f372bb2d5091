package config

import (
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// tokenMark stands for the invitation token in a link.
const tokenMark = "{token}"

var (
	basePath  = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	traitPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	timeOfDay = `(?:[01][0-9]|2[0-3]):[0-5][0-9]`
	quiet     = regexp.MustCompile(`^(` + timeOfDay + `)-(` + timeOfDay + `) ([A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*)$`)
	hostName  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)
)

// activeSchemes make a browser run, show or read something instead of
// navigating to a page. They are never valid return URLs.
var activeSchemes = []string{"about", "blob", "data", "file", "javascript", "vbscript", "view-source"}

// boltPath returns the path in a bolt:// DSN.
func boltPath(dsn string) (string, bool) { return filePath(dsn, "bolt://") }

// hasPostgresScheme reports whether dsn names a PostgreSQL database. Both schemes
// are valid for libpq, and for Kratos.
func hasPostgresScheme(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// isPostgresDSN reports whether dsn is a URL for PostgreSQL. What its parts mean
// is checked by what connects. A slash or an @ in the name of the database is the
// end of a password that is not percent-encoded: errors would show it.
func isPostgresDSN(dsn string) bool {
	u, err := url.Parse(dsn)
	if err != nil || strings.Contains(dsn, "#") {
		return false
	}
	database := strings.TrimPrefix(u.EscapedPath(), "/")
	return database != "" && !strings.ContainsAny(database, "/@")
}

// filePath returns the path in a URL of that scheme. The path is literal, so
// characters with another meaning in a URL are rejected.
func filePath(text, scheme string) (string, bool) {
	file, ok := strings.CutPrefix(text, scheme)
	if !ok || !isAbsolute(file) || strings.HasSuffix(file, "/") || strings.ContainsAny(file, "?#%") {
		return "", false
	}
	return file, true
}

// isAbsolute reports whether text is an absolute path without control
// characters, so that it prints on one line.
func isAbsolute(text string) bool { return path.IsAbs(text) && !hasControls(text) }

func hasControls(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// isLabel reports whether text could be the inviter_name of an invitation.
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

// hasHost reports whether u has a valid host and, if any, a valid port.
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

// isWebURL reports whether text is an absolute http or https URL without a
// user.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && hasHost(u) && u.User == nil
}

// isBare reports whether text has neither query nor fragment, not even an empty
// one.
func isBare(text string) bool { return !strings.ContainsAny(text, "?#") }

// isReturnURL reports whether a browser may be sent to text: a page, or an app
// with a scheme of its own.
func isReturnURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || slices.Contains(activeSchemes, u.Scheme) || u.Host == "" && !isAppURL(text, u) {
		return false
	}
	return isPlainPath(text, u.Path) && (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "" || isWebURL(text))
}

// isAppURL reports whether text has a private-use scheme based on a domain name,
// in the form com.example.app:/path (RFC 8252, 7.1).
func isAppURL(text string, u *url.URL) bool {
	return strings.Contains(u.Scheme, ".") && u.Opaque == "" && strings.HasPrefix(text[len(u.Scheme):], ":/") &&
		!strings.HasPrefix(text[len(u.Scheme):], "://")
}

// isPlainPath reports whether every client parses the URL as Go does: only
// ASCII, and no backslashes, dot segments or empty segments. Package bridge
// rejects the same, so a value that is valid here is valid there.
func isPlainPath(text, decoded string) bool {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) || strings.Contains(decoded, "\\") {
		return false
	}
	return decoded == "" || decoded == "/" || path.Clean(decoded) == strings.TrimSuffix(decoded, "/")
}

// isLinkTemplate reports whether text becomes a web URL when a token is
// substituted.
func isLinkTemplate(text string) bool {
	if strings.Count(text, tokenMark) != 1 || strings.ContainsAny(strings.Replace(text, tokenMark, "", 1), "{}") {
		return false
	}
	// With the mark in scheme, user or host, text is not a valid URL.
	return isWebURL(text)
}

// isOrigin reports whether text is an origin as browsers send it; any other
// spelling would never match.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !hasHost(u) || text != strings.ToLower(u.Scheme+"://"+u.Host) {
		return false
	}
	defaultPort := map[string]string{"http": "80", "https": "443"}
	return u.Port() == "" || u.Port() != defaultPort[u.Scheme]
}

// isQuietHours reports whether text is a period of the day in a time zone that is
// known, and not that of the machine.
func isQuietHours(text string) bool {
	parts := quiet.FindStringSubmatch(text)
	if parts == nil || parts[1] == parts[2] || parts[3] == "Local" || parts[3] == "localtime" {
		return false
	}
	_, err := time.LoadLocation(parts[3])
	return err == nil
}

// isPrintable reports whether text may be one word of a header: printable ASCII
// without spaces.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// parseNetwork parses an IP address or a CIDR network. Addresses with a zone and
// IPv4-mapped IPv6 addresses are rejected: no parsed client address would match
// them.
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
