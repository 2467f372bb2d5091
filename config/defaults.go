package config

import "time"

// Default returns the value of every key that is not set. It is not valid by
// itself: API keys have no default. Hooks are a list, so the defaults of their
// keys are applied by Load.
func Default() Config {
	return Config{
		DSN: "bolt:///var/lib/invitebridge/invites.db",
		Serve: Serve{
			BasePath: "/api/v1/invite",
			Public: Public{
				Port:      4488,
				Socket:    Socket{Mode: socketMode},
				BaseURL:   "http://127.0.0.1:4488",
				CORS:      CORS{AllowedOrigins: []string{"*"}},
				RateLimit: RateLimit{Requests: 30, Window: Duration(time.Minute)},
			},
			Admin: Admin{Port: 4489, Socket: Socket{Mode: socketMode}},
		},
		Kratos: Kratos{
			PublicURL:  "http://127.0.0.1:4433",
			AdminURL:   "http://127.0.0.1:4434",
			SchemaID:   "default",
			EmailTrait: EmailTraits{},
			Timeout:    Duration(10 * time.Second),
			// Kratos' own default.
			CodeLifespan: Duration(time.Hour),
		},
		Invitation: Invitation{
			Lifespan:             Duration(24 * time.Hour),
			MaxLifespan:          Duration(720 * time.Hour),
			Cooldown:             Duration(time.Minute),
			Retention:            Duration(720 * time.Hour),
			AcceptWith:           []string{AcceptPassword},
			UnacceptedIdentities: UnacceptedAtPurge,
			Renew:                true,
		},
		Import: Import{MaxSize: 256 * mebibyte},
		Inviters: Inviters{
			SessionCookie: "ory_kratos_session",
			May:           []string{"email", "locale", "return_to", "expires_in"},
			MaxPending:    50,
			RateLimit:     RateLimit{Requests: 20, Window: Duration(time.Hour)},
		},
		Selfservice: Selfservice{Methods: Methods{Password: Password{Config: PasswordPolicy{
			MinPasswordLength:                8,
			IdentifierSimilarityCheckEnabled: true,
			HaveIBeenPwnedEnabled:            true,
			HaveIBeenPwnedHost:               "api.pwnedpasswords.com",
			MaxBreaches:                      0,
			IgnoreNetworkErrors:              true,
		}}}},
		Log: Log{Level: "info", Format: "json"},
		Tracing: Tracing{
			ServiceName: "invitebridge",
			Providers:   TracingProviders{OTLP: OTLP{ServerURL: "localhost:4318", Sampling: Sampling{SamplingRatio: 1}}},
		},
	}
}

// applyDerivedDefaults sets the keys of list items that were not set. It checks
// whether a key was set, not its value: an explicit timeout of 0s is a mistake
// and must be reported as one.
func (l *loader) applyDerivedDefaults() {
	for i := range l.cfg.Serve.Admin.APIKeys {
		limit := &l.cfg.Serve.Admin.APIKeys[i].RateLimit
		if limit.Requests != 0 && l.origins[index("serve.admin.api_keys", i)+".rate_limit.window"] == "" {
			limit.Window = Duration(time.Minute)
		}
	}
	for i := range l.cfg.Hooks {
		hook := &l.cfg.Hooks[i]
		unset := func(name string) bool { return l.origins[index("hooks", i)+"."+name] == "" }
		if unset("method") {
			hook.Method = "POST"
		}
		if unset("timeout") {
			hook.Timeout = Duration(15 * time.Second)
		}
		if hook.Auth.Type == authAPIKey && unset("auth.config.in") {
			hook.Auth.Config.In = inHeader
		}
	}
}
