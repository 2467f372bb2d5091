package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/config"
)

// TestWarnings: a reminder that invitations of the usual lifespan never get is valid, and
// there is a warning.
func TestWarnings(t *testing.T) {
	const hour = config.Duration(time.Hour)
	for name, c := range map[string]struct {
		lifespan  config.Duration
		reminders []config.Duration
		want      []string // keys
	}{
		"no reminders":         {24 * hour, nil, nil},
		"all shorter":          {168 * hour, []config.Duration{72 * hour, 24 * hour}, nil},
		"a longer one":         {48 * hour, []config.Duration{24 * hour, 72 * hour}, []string{"invitation.reminders[1]"}},
		"one that is as long":  {24 * hour, []config.Duration{24 * hour}, []string{"invitation.reminders[0]"}},
		"two":                  {24 * hour, []config.Duration{72 * hour, 24 * hour}, []string{"invitation.reminders[0]", "invitation.reminders[1]"}},
		"a millisecond before": {24 * hour, []config.Duration{24*hour - config.Duration(time.Millisecond)}, nil},
	} {
		cfg := config.Default()
		cfg.Invitation.Lifespan, cfg.Invitation.Reminders = c.lifespan, c.reminders
		var want []string
		for _, key := range c.want {
			want = append(want, key+": it is not shorter than invitation.lifespan, so only invitations with a longer expires_in get this reminder; shorten it, or lengthen invitation.lifespan")
		}
		if got := cfg.Warnings(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestKeyWarnings: keys without scopes and expired ones are named, by their place.
func TestKeyWarnings(t *testing.T) {
	var cfg config.Config
	read := []string{"read"}
	cfg.Serve.Admin.APIKeys = []config.APIKey{{Scopes: read, ExpiresAt: "2030-01-01T00:00:01Z"}, {}, {Scopes: read, ExpiresAt: "2030-01-01T00:00:00Z"}}
	got := cfg.KeyWarnings(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	if len(got) != 2 || !strings.HasPrefix(got[0], "serve.admin.api_keys[1]: it has no scopes") || !strings.HasPrefix(got[1], "serve.admin.api_keys[2]: it has expired") {
		t.Errorf("%q", got)
	}
}
