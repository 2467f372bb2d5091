package config

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PublicAddr is what the public listener binds, for net.Listen.
func (c Config) PublicAddr() (network, address string) {
	return listenAddr(c.Serve.Public.Host, c.Serve.Public.Port)
}

// AdminAddr is what the admin listener binds, for net.Listen.
func (c Config) AdminAddr() (network, address string) {
	return listenAddr(c.Serve.Admin.Host, c.Serve.Admin.Port)
}

func listenAddr(host string, port int) (network, address string) {
	if path, ok := strings.CutPrefix(host, unixMark); ok {
		return "unix", path
	}
	return "tcp", net.JoinHostPort(host, strconv.Itoa(port))
}

// BoltPath is the path of the store's file; empty if there is no DSN.
func (c Config) BoltPath() string {
	path, _ := boltPath(c.DSN)
	return path
}

// TrustedProxies are the networks of serve.public.trusted_proxies. An address
// without a prefix length is a network of one.
func (c Config) TrustedProxies() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range c.Serve.Public.TrustedProxies {
		if network, ok := parseNetwork(text); ok {
			networks = append(networks, network)
		}
	}
	return networks
}

// TrustsUnixPeers says whether serve.public.trusted_proxies has "unix:".
func (c Config) TrustsUnixPeers() bool {
	return slices.Contains(c.Serve.Public.TrustedProxies, unixMark)
}

// LinkTemplate is the link an invitee is sent, with {token} where the token
// goes: invitation.link_url, or the hosted page.
func (c Config) LinkTemplate() string {
	if c.Invitation.LinkURL != "" {
		return c.Invitation.LinkURL
	}
	return strings.TrimRight(c.Serve.Public.BaseURL, "/") + "/invite/" + tokenMark
}

// ReturnTo is where an invitee goes after accepting, unless the inviter asked
// for another address: invitation.return_to, or Kratos' login.
func (c Config) ReturnTo() string {
	if c.Invitation.ReturnTo != "" {
		return c.Invitation.ReturnTo
	}
	return strings.TrimRight(c.Kratos.PublicURL, "/") + "/self-service/login/browser"
}

// NeverUsedSince is kratos.never_used_since, or the zero time. Kratos ran with
// a time zone other than UTC on PostgreSQL before it, so that what it says about
// older identities does not show whether they were ever used.
func (c Config) NeverUsedSince() time.Time {
	since, _ := time.Parse(time.RFC3339, c.Kratos.NeverUsedSince)
	return since.UTC()
}

// PasswordPolicy is selfservice.methods.password.config.
func (c Config) PasswordPolicy() PasswordPolicy {
	return c.Selfservice.Methods.Password.Config
}

// Digest is the SHA-256 digest of the key, however the key was given.
func (k APIKey) Digest() [sha256.Size]byte {
	if k.KeySHA256 == "" {
		return sha256.Sum256([]byte(k.Key.Reveal()))
	}
	var digest [sha256.Size]byte
	// Validation has seen that these are 64 hexadecimal digits.
	_, _ = hex.Decode(digest[:], []byte(k.KeySHA256.Reveal()))
	return digest
}

// SlogLevel is the level for slog. Trace, which slog lacks, lies as far below
// debug as debug lies below info.
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
