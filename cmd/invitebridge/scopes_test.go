package main

import (
	"slices"
	"testing"

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
