package main

// Only this file turns configuration values into adapters and their settings.

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/mail"
	"invitebridge/bridge/outbox"
	"invitebridge/bridge/page"
	"invitebridge/bridge/tracing"
	"invitebridge/bridge/webhook"
	"invitebridge/config"
	"invitebridge/kratos"
)

func kratosConfig(cfg config.Config) kratos.Config {
	return kratos.Config{
		AdminURL:    cfg.Kratos.AdminURL,
		AdminToken:  cfg.Kratos.AdminToken.Reveal(),
		PublicURL:   cfg.Kratos.PublicURL,
		EmailTraits: cfg.Kratos.EmailTrait,
		Timeout:     identityTimeout(time.Duration(cfg.Kratos.Timeout)),
	}
}

// newKratos also returns the counter of breached passwords; nil if the password
// policy does not use it.
func newKratos(cfg config.Config, headers setHeaders) (*kratos.Client, bridge.BreachCounter, error) {
	access := kratosConfig(cfg)
	access.Headers = headers
	client, err := kratos.New(access)
	if err != nil || !cfg.PasswordPolicy().HaveIBeenPwnedEnabled {
		return client, nil, err
	}
	breaches, err := kratos.NewPwnedPasswords(kratos.PwnedPasswordsConfig{Host: cfg.PasswordPolicy().HaveIBeenPwnedHost})
	return client, breaches, err
}

// identityTimeout reserves a fifth of kratos.timeout for the breach lookup, the
// store and the response, so that callers get a response within kratos.timeout
// even if Kratos hangs.
func identityTimeout(timeout time.Duration) time.Duration { return timeout - timeout/5 }

func passwordPolicy(p config.PasswordPolicy, breaches bridge.BreachCounter) bridge.PasswordPolicy {
	return bridge.PasswordPolicy{
		MinLength:           p.MinPasswordLength,
		CheckSimilarity:     p.IdentifierSimilarityCheckEnabled,
		Breaches:            breaches,
		MaxBreaches:         p.MaxBreaches,
		IgnoreNetworkErrors: p.IgnoreNetworkErrors,
	}
}

// newPage reads the page's files and renders the page once to validate them.
func newPage(cfg config.Config) (*page.Page, error) {
	p, err := page.New(page.Config{
		Title: cfg.Page.Title, LogoPath: cfg.Page.LogoPath, SupportAddress: cfg.Page.SupportAddress,
		AccentColor: cfg.Page.AccentColor, AccentColorDark: cfg.Page.AccentColorDark,
		CSSPath: cfg.Page.CSSPath, TemplateOverridePath: cfg.Page.TemplateOverridePath,
		AcceptWith: acceptMethods(cfg), FormOrigins: cfg.FormOrigins(),
	})
	if err != nil {
		return nil, usageError{fmt.Errorf("page: %w", err)}
	}
	return p, nil
}

func acceptMethods(cfg config.Config) (methods []bridge.AcceptMethod) {
	for _, m := range cfg.Invitation.AcceptWith {
		methods = append(methods, bridge.AcceptMethod(m))
	}
	return methods
}

func reminders(before []config.Duration) (list []time.Duration) {
	for _, d := range before {
		list = append(list, time.Duration(d))
	}
	return list
}

// newSenders reads templates and connects to nothing. Without a configured mail
// server, fallback is the courier; if it is nil, no email is sent. observe
// decorates each sender.
func newSenders(cfg config.Config, fallback bridge.Sender, observe func(bridge.Sender) bridge.Sender) (*senders, error) {
	hooks, err := webhook.New(webhookConfig(cfg))
	if err != nil {
		return nil, err
	}
	s := &senders{hooks: hooks, courier: fallback}
	mailer, err := newMailer(cfg)
	if err != nil {
		return nil, err
	}
	if mailer != nil {
		s.courier, s.mailer = mailer, mailer
	}
	if s.courier != nil {
		s.endpoints = append(s.endpoints, outbox.Endpoint{Name: bridge.EndpointCourier, Sender: observe(s.courier), Concurrency: mailConcurrency})
	}
	for _, hook := range cfg.Hooks {
		if !hook.CanInterrupt {
			s.endpoints = append(s.endpoints, outbox.Endpoint{Name: hook.ID, Sender: observe(hooks), Concurrency: hookConcurrency, Settings: hook, Digest: digestOf(hook)})
		}
	}
	return s, nil
}

// digestOf returns the digest of all that a hook is configured with, secrets included.
func digestOf(hook config.Hook) [sha256.Size]byte {
	parts := []string{hook.ID, hook.URL.Reveal(), hook.Method, hook.Body.Reveal(), time.Duration(hook.Timeout).String()}
	parts = append(parts, hook.Events...)
	if hook.Audit {
		parts = append(parts, string(bridge.EventHistoryEntry))
	}
	for _, name := range slices.Sorted(maps.Keys(hook.Headers)) {
		parts = append(parts, name, hook.Headers[name].Reveal())
	}
	for _, secret := range hook.Secrets {
		parts = append(parts, secret.Reveal())
	}
	auth := hook.Auth.Config
	parts = append(parts, hook.Auth.Type, auth.Name, auth.Value.Reveal(), auth.In, auth.User, auth.Password.Reveal())
	return sha256.Sum256([]byte(strings.Join(parts, "\x00")))
}

// newMailer reads the email templates. It returns nil if no mail server is
// configured.
func newMailer(cfg config.Config) (*mail.Mailer, error) {
	smtp := cfg.Courier.SMTP
	if smtp.ConnectionURI == "" {
		return nil, nil
	}
	// newPage reports a logo that cannot be read.
	logo, _ := os.ReadFile(cfg.Page.LogoPath)
	accents, err := page.NewAccents(cfg.Page.AccentColor, cfg.Page.AccentColorDark)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	nameTrait := ""
	if traits := cfg.Invitation.TraitsInMessages; len(traits) > 0 {
		nameTrait = traits[0]
	}
	return mail.New(mail.Config{
		ReplyToInviter: smtp.ReplyToInviter,
		NameTrait:      nameTrait,
		Branding: mail.Branding{
			Title: cfg.Page.Title, Logo: logo,
			Accent: accents.Light, OnAccent: accents.OnLight, AccentDark: accents.Dark, OnAccentDark: accents.OnDark,
		},
		ConnectionURI:        smtp.ConnectionURI.Reveal(),
		FromAddress:          smtp.FromAddress,
		FromName:             smtp.FromName,
		LocalName:            smtp.LocalName,
		TemplateOverridePath: cfg.Courier.TemplateOverridePath,
	})
}

func webhookConfig(cfg config.Config) webhook.Config {
	out := webhook.Config{DisallowPrivateIPRanges: cfg.Clients.HTTP.DisallowPrivateIPRanges, Version: version(), Now: wallClock}
	for _, url := range cfg.Clients.HTTP.PrivateIPExceptionURLs {
		out.PrivateIPExceptionURLs = append(out.PrivateIPExceptionURLs, url.Reveal())
	}
	for _, h := range cfg.Hooks {
		hook := webhook.Hook{
			ID: h.ID, URL: h.URL.Reveal(), Method: h.Method, Headers: make(map[string]string),
			Auth: webhook.Auth{
				Type: h.Auth.Type, Name: h.Auth.Config.Name, Value: h.Auth.Config.Value.Reveal(), In: h.Auth.Config.In,
				User: h.Auth.Config.User, Password: h.Auth.Config.Password.Reveal(),
			},
			Body: h.Body.Reveal(), Timeout: time.Duration(h.Timeout), CanInterrupt: h.CanInterrupt,
		}
		for _, event := range h.Events {
			hook.Events = append(hook.Events, bridge.Event(event))
		}
		if h.Audit {
			hook.Events = append(hook.Events, bridge.EventHistoryEntry)
		}
		for name, value := range h.Headers {
			hook.Headers[name] = value.Reveal()
		}
		for _, secret := range h.Secrets {
			hook.Secrets = append(hook.Secrets, secret.Reveal())
		}
		out.Hooks = append(out.Hooks, hook)
	}
	return out
}

func tracingConfig(cfg config.Config, log *slog.Logger) tracing.Config {
	t := cfg.Tracing
	otlp := t.Providers.OTLP
	return tracing.Config{
		Server: otlp.ServerURL, Insecure: otlp.Insecure, Authorization: otlp.AuthorizationHeader.Reveal(),
		Service: t.ServiceName, Version: version(), Environment: t.DeploymentEnvironment,
		Ratio: otlp.Sampling.SamplingRatio, Log: log,
	}
}

func apiKeys(cfg config.Config) []httpapi.APIKey {
	keys := make([]httpapi.APIKey, 0, len(cfg.Serve.Admin.APIKeys))
	for _, k := range cfg.Serve.Admin.APIKeys {
		key := httpapi.APIKey{Name: k.Name, SHA256: k.Digest(), ExpiresAt: k.Expiry(), RateLimit: rateLimit(k.RateLimit), MaxPending: k.MaxPending}
		if k.Scopes != nil { // an empty list is not everything
			key.Scopes = []httpapi.Scope{}
		}
		for _, scope := range k.Scopes {
			key.Scopes = append(key.Scopes, httpapi.Scope(scope))
		}
		keys = append(keys, key)
	}
	return keys
}

func rateLimit(l config.RateLimit) httpapi.RateLimit {
	return httpapi.RateLimit{Requests: l.Requests, Window: time.Duration(l.Window)}
}

func allowedOrigins(cfg config.Config) []string {
	if !cfg.Serve.Public.CORS.Enabled {
		return nil
	}
	return cfg.Serve.Public.CORS.AllowedOrigins
}
