package config_test

import (
	"encoding/hex"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s":     0,
		"1.5s":   1500 * time.Millisecond,
		"10m":    10 * time.Minute,
		"1h":     time.Hour,
		"720h":   720 * time.Hour,
		"1h0m1s": time.Hour + time.Second,
		"1h10m":  70 * time.Minute,
		"-24h":   -24 * time.Hour,
	} {
		text, err := config.Duration(d).MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("MarshalText: got %q, %v; want %q", text, err, want)
		}
		var back config.Duration
		if err := back.UnmarshalText(text); err != nil || back != config.Duration(d) {
			t.Errorf("UnmarshalText(%q): got %v, %v", text, back, err)
		}
	}
}

func TestSize(t *testing.T) {
	for want, size := range map[string]config.Size{
		"0KiB": 0, "1KiB": 1 << 10, "1000KiB": 1000 << 10, "256MiB": 256 << 20, "4GiB": 4 << 30,
	} {
		text, err := size.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("MarshalText: got %q, %v; want %q", text, err, want)
		}
		var back config.Size
		if err := back.UnmarshalText(text); err != nil || back != size {
			t.Errorf("UnmarshalText(%q): got %v, %v", text, back, err)
		}
	}
	for _, text := range []string{"", "1", "MiB", "-1MiB", "1.5MiB", "1 MiB", "1MB", "1mib", "1GiBKiB", "99999999999GiB"} {
		var size config.Size
		if err := size.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, size)
		}
	}
}

func TestAddresses(t *testing.T) {
	c := config.Default()
	for name, c := range map[string]struct{ got, want [2]string }{
		"public": {pair(c.PublicAddr()), [2]string{"tcp", ":4488"}},
		"admin":  {pair(withHost(c, "::1").AdminAddr()), [2]string{"tcp", "[::1]:4489"}},
		"socket": {pair(withHost(c, "unix:/run/admin.sock").AdminAddr()), [2]string{"unix", "/run/admin.sock"}},
	} {
		if c.got != c.want {
			t.Errorf("address of %s: got %q, want %q", name, c.got, c.want)
		}
	}
}

func TestPostgresDSN(t *testing.T) {
	for dsn, want := range map[config.Secret]config.Secret{
		"postgres://u:p@h/d": "postgres://u:p@h/d", "postgresql://h/d": "postgresql://h/d", "bolt:///x.db": "", "": "",
	} {
		c := config.Config{DSN: dsn}
		if got := c.PostgresDSN(); got != want || got != "" && c.BoltPath() != "" {
			t.Errorf("got %q and the file %q", got.Reveal(), c.BoltPath())
		}
	}
}

func TestBoltPath(t *testing.T) {
	if got, want := config.Default().BoltPath(), "/var/lib/invitebridge/invites.db"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (config.Config{}).BoltPath(); got != "" {
		t.Errorf("without a DSN: got %q", got)
	}
}

func TestTrustedProxies(t *testing.T) {
	c := config.Default()
	if got := c.TrustedProxies(); got != nil {
		t.Errorf("defaults: got %v", got)
	}
	c.Serve.Public.TrustedProxies = []string{"10.1.2.3/8", "192.0.2.1", "::1"}
	want := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("192.0.2.1/32"),
		netip.MustParsePrefix("::1/128"),
	}
	if diff := cmp.Diff(want, c.TrustedProxies(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
}

func TestLinks(t *testing.T) {
	c := config.Default()
	if got, want := c.LinkTemplate(), "http://127.0.0.1:4488/invite/{token}"; got != want {
		t.Errorf("LinkTemplate: got %q, want %q", got, want)
	}
	if got, want := c.DefaultReturnURL(), "http://127.0.0.1:4433/self-service/login/browser"; got != want {
		t.Errorf("DefaultReturnURL: got %q, want %q", got, want)
	}
	c.Serve.Public.BaseURL = "https://x.example/join/"
	if got, want := c.LinkTemplate(), "https://x.example/join/invite/{token}"; got != want {
		t.Errorf("LinkTemplate below a path: got %q, want %q", got, want)
	}
	c.Invitation.LinkURL, c.Invitation.ReturnTo = "https://y.example/#{token}", "https://y.example/"
	if got, want := c.LinkTemplate(), "https://y.example/#{token}"; got != want {
		t.Errorf("LinkTemplate: got %q, want %q", got, want)
	}
	if got, want := c.DefaultReturnURL(), "https://y.example/"; got != want {
		t.Errorf("DefaultReturnURL: got %q, want %q", got, want)
	}
}

func TestNeverUsedSince(t *testing.T) {
	for text, want := range map[string]time.Time{
		"":                          {},
		"2026-01-31T09:00:00Z":      time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC),
		"2026-01-31T18:00:00+09:00": time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC),
	} {
		c := config.Default()
		c.Kratos.NeverUsedSince = text
		if got := c.NeverUsedSince(); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestDigest(t *testing.T) {
	for name, key := range map[string]config.APIKey{
		"of_a_key":    {Key: "0123456789abcdef"},
		"as_a_digest": {KeySHA256: digest},
	} {
		t.Run(name, func(t *testing.T) {
			got := key.Digest()
			if text := hex.EncodeToString(got[:]); text != digest {
				t.Errorf("got %s, want %s", text, digest)
			}
		})
	}
}

func TestSlogLevel(t *testing.T) {
	for text, want := range map[string]slog.Level{
		"trace": -8, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warning": slog.LevelWarn, "error": slog.LevelError,
	} {
		if got := (config.Log{Level: text}).SlogLevel(); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func pair(a, b string) [2]string { return [2]string{a, b} }

func withHost(c config.Config, host string) config.Config {
	c.Serve.Admin.Host = host
	return c
}
