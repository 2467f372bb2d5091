package main

import (
	"slices"
	"testing"
	"time"

	"invitebridge/bridge/httpapi"
	"invitebridge/config"
)

// TestScopes: a configuration can name the scopes that there are, and no others.
func TestScopes(t *testing.T) {
	var cfg config.Config
	cfg.Serve.Admin.APIKeys = []config.APIKey{{Name: "a", Scopes: config.Scopes()}, {Name: "b"}, {Name: "c", Scopes: []string{}}}
	keys := apiKeys(cfg)
	if !slices.Equal(keys[0].Scopes, httpapi.Scopes()) || keys[1].Scopes != nil || keys[2].Scopes == nil {
		t.Errorf("%q, not %q, and %q", keys[0].Scopes, httpapi.Scopes(), keys[1].Scopes)
	}
}

// TestLimitsOfKeys: the limits of a key are those in its configuration.
func TestLimitsOfKeys(t *testing.T) {
	var cfg config.Config
	cfg.Serve.Admin.APIKeys = []config.APIKey{{Name: "a", RateLimit: config.RateLimit{Requests: 20, Window: config.Duration(time.Hour)}, MaxPending: 50}, {Name: "b"}}
	keys := apiKeys(cfg)
	if keys[0].RateLimit != (httpapi.RateLimit{Requests: 20, Window: time.Hour}) || keys[0].MaxPending != 50 || keys[1].RateLimit != (httpapi.RateLimit{}) || keys[1].MaxPending != 0 {
		t.Errorf("%+v", keys)
	}
}
