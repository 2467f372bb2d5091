package config

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PublicAddr returns what the public listener binds, for net.Listen.
func (c Config) PublicAddr() (network, address string) {
	return listenAddr(c.Serve.Public.Host, c.Serve.Public.Port)
}

// AdminAddr returns what the admin listener binds, for net.Listen.
func (c Config) AdminAddr() (network, address string) {
	return listenAddr(c.Serve.Admin.Host, c.Serve.Admin.Port)
}

func listenAddr(host string, port int) (network, address string) {
	if path, ok := strings.CutPrefix(host, unixMark); ok {
		return "unix", path
	}
	return "tcp", net.JoinHostPort(host, strconv.Itoa(port))
}

// BoltPath returns the path of the store's file; empty if the store is a
// database, or DSN is empty.
func (c Config) BoltPath() string {
	path, _ := boltPath(c.DSN.Reveal())
	return path
}

// PostgresDSN returns DSN if it names a PostgreSQL database, else an empty one.
func (c Config) PostgresDSN() Secret {
	if hasPostgresScheme(c.DSN.Reveal()) {
		return c.DSN
	}
	return ""
}

// TrustedProxies returns the networks of serve.public.trusted_proxies. An
// address without a prefix length is a network of one.
func (c Config) TrustedProxies() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range c.Serve.Public.TrustedProxies {
		if network, ok := parseNetwork(text); ok {
			networks = append(networks, network)
		}
	}
	return networks
}

// TrustsUnixPeers reports whether serve.public.trusted_proxies has "unix:".
func (c Config) TrustsUnixPeers() bool {
	return slices.Contains(c.Serve.Public.TrustedProxies, unixMark)
}

// LinkTemplate returns the link that invitees are sent, with {token} where the
// token goes: invitation.link_url, or the hosted page.
func (c Config) LinkTemplate() string {
	if c.Invitation.LinkURL != "" {
		return c.Invitation.LinkURL
	}
	return strings.TrimRight(c.Serve.Public.BaseURL, "/") + "/invite/" + tokenMark
}

// DefaultReturnURL returns where an invitee goes after accepting, unless the
// inviter asked for another URL: invitation.return_to, or Kratos' login.
func (c Config) DefaultReturnURL() string {
	if c.Invitation.ReturnTo != "" {
		return c.Invitation.ReturnTo
	}
	return strings.TrimRight(c.Kratos.PublicURL, "/") + "/self-service/login/browser"
}

// RecoveryURL returns where the forms of Kratos' recovery flow are sent, without the
// flow; empty if the page cannot send one: because it is not known where browsers are
// redirected to, or because a policy cannot permit it, as it names no IPv6 addresses.
func (c Config) RecoveryURL() string {
	ui := c.Selfservice.Flows.Settings.UIURL
	if ui == "" || strings.Contains(originOf(ui)+originOf(c.Kratos.PublicURL), "[") {
		return ""
	}
	return strings.TrimRight(c.Kratos.PublicURL, "/") + "/self-service/recovery"
}

// FormOrigins returns the origins of Kratos' public API and of its settings page:
// those that a form sent to RecoveryURL leads to.
func (c Config) FormOrigins() []string {
	if c.RecoveryURL() == "" || !slices.Contains(c.Invitation.AcceptWith, AcceptKratos) {
		return nil
	}
	origins := []string{originOf(c.Kratos.PublicURL), originOf(c.Selfservice.Flows.Settings.UIURL)}
	return slices.Compact(origins)
}

func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// NeverUsedSince returns kratos.never_used_since, or the zero time. Before it,
// Kratos ran on PostgreSQL with a time zone other than UTC, so the times of
// older identities do not show whether they were ever used.
func (c Config) NeverUsedSince() time.Time {
	since, _ := time.Parse(time.RFC3339, c.Kratos.NeverUsedSince)
	return since.UTC()
}

// PasswordPolicy returns selfservice.methods.password.config.
func (c Config) PasswordPolicy() PasswordPolicy {
	return c.Selfservice.Methods.Password.Config
}

// Digest returns the SHA-256 digest of the key, whichever field is set.
func (k APIKey) Digest() [sha256.Size]byte {
	if k.KeySHA256 == "" {
		return sha256.Sum256([]byte(k.Key.Reveal()))
	}
	var digest [sha256.Size]byte
	// Cannot fail: validation requires 64 hexadecimal digits.
	_, _ = hex.Decode(digest[:], []byte(k.KeySHA256.Reveal()))
	return digest
}

// Expiry returns expires_at, or the zero time.
func (k APIKey) Expiry() time.Time {
	at, _ := time.Parse(time.RFC3339, k.ExpiresAt)
	return at.UTC()
}

// SlogLevel returns the level for slog. Trace, which slog lacks, is as far
// below debug as debug is below info.
func (l Log) SlogLevel() slog.Level {
	switch l.Level {
	case "trace":
		return slog.LevelDebug - 4
	case "debug":
		return slog.LevelDebug
	case "warning":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
