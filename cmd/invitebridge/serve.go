package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/idna"
	"golang.org/x/sync/errgroup"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/page"
	"invitebridge/config"
	"invitebridge/kratos"
)

// sweepEvery bounds how long a claim stays unsettled after its lease. Where
// nothing is due, a sweep reads three keys.
const sweepEvery = 5 * time.Second

// longest is what the bridge may take to answer: the hooks have ten seconds,
// and what follows them has kratos.timeout. Who is to be stopped waits as long.
func longest(cfg config.Config) time.Duration {
	return 10*time.Second + time.Duration(cfg.Kratos.Timeout)
}

func newServe(environ []string, io stdio) *cobra.Command {
	var files []string
	var dev bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the bridge",
		Long: "Serves the public and the admin listener until it is told to stop (SIGINT,\n" +
			"SIGTERM); then lets requests under way finish. What changes in hooks, clients,\n" +
			"courier, page, API keys, certificates and log.level is taken over while it\n" +
			"runs, at once on SIGHUP; what else changes waits for a restart.\n\n" +
			"With --dev it needs no configuration: it expects Kratos on its default ports,\n" +
			"keeps invitations in a temporary file if dsn is not set, makes up an API key if\n" +
			"there is none and prints it, and prints links if no mail server is set. Not for\n" +
			"production.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := server{options: config.Options{Files: files, Environ: environ, Dev: dev}}
			var stop func()
			s.hangup, stop = hangups()
			defer stop()
			var err error
			if s.config, s.read, err = s.load(nil); err != nil {
				return usageError{err}
			}
			s.log, s.level = newLogger(io.err, s.config.Log)
			if dev {
				forget, err := s.develop(io)
				if err != nil {
					return err
				}
				defer forget()
			}
			return s.serve(cmd.Context())
		},
	}
	configFlags(cmd, &files, &dev)
	return cmd
}

// server is what serve is made of.
type server struct {
	options config.Options
	config  config.Config
	read    reading // what config was read from
	log     *slog.Logger
	level   *slog.LevelVar
	invent  func(*config.Config) // what development makes up; nil: nothing
	// announce says what development has made up, once there is somebody to call;
	// nil: nothing.
	announce func()
	hangup   <-chan os.Signal // has the configuration read anew
	courier  bridge.Sender    // where no mail server is configured; nil: nobody is mailed

	watching *observers // of all that is made below
}

// serve runs until ctx ends. It owns all it makes: when it returns, the store is
// closed and every goroutine has ended, save those of requests that had to be
// cut off because they took longer than any may.
func (s *server) serve(ctx context.Context) error {
	cfg := s.config
	shown, err := newPage(cfg)
	if err != nil {
		return err
	}
	watching, err := s.newObservers()
	if err != nil {
		return err
	}
	defer watching.close()
	s.watching = watching
	store, err := boltstore.Open(cfg.BoltPath(), boltstore.OnCommit(watching.metrics.Commit))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	identities, breaches, err := newKratos(cfg, watching.headers())
	if err != nil {
		return err
	}
	if err := s.lookAtSchema(ctx, identities); err != nil {
		return err
	}
	returnURLs, err := bridge.ParseReturnURLs(cfg.Invitation.AllowedReturnURLs)
	if err != nil {
		return usageError{err}
	}
	delivery, err := s.newDelivery()
	if err != nil {
		return err
	}
	defer delivery.close()
	if cfg.Page.Title == "" {
		s.log.Warn("page.title is not set: emails and the page do not say what people are invited to")
	}
	service := bridge.NewService(watching.fail.store(store), watching.identities(identities), bridge.Config{
		SchemaID:       cfg.Kratos.SchemaID,
		ToASCII:        idna.Lookup.ToASCII,
		LinkURL:        cfg.LinkTemplate(),
		ReturnURLs:     returnURLs,
		Lifespan:       time.Duration(cfg.Invitation.Lifespan),
		MaxLifespan:    time.Duration(cfg.Invitation.MaxLifespan),
		Cooldown:       time.Duration(cfg.Invitation.Cooldown),
		Retention:      time.Duration(cfg.Invitation.Retention),
		IdentityBudget: budget(time.Duration(cfg.Kratos.Timeout)),
		Passwords:      passwords(cfg.PasswordPolicy(), breaches),
		Unaccepted:     bridge.Unaccepted(cfg.Invitation.UnacceptedIdentities),
		Renew:          cfg.Invitation.Renew,
		Speaks:         delivery.speaks,
		AllowedNames:   cfg.Invitation.AllowedInviterNames,
		MessageTraits:  cfg.Invitation.TraitsInMessages,
		CodeLifespan:   watching.fail.codeLifespan(time.Duration(cfg.Kratos.CodeLifespan)),
		NeverUsedSince: cfg.NeverUsedSince(),
		Endpoints:      delivery.endpoints,
		Wake:           delivery.worker.Wake,
		Outbox:         delivery.worker,
		Hooks:          watching.hooks(delivery),
		Count:          watching.metrics.Count,
		Warn:           s.log.Warn,
	})
	watching.scrape(service, store)
	login, err := newLoginPage(cfg)
	if err != nil {
		return err
	}
	api := httpapi.New(service, watching.api(httpapi.Config{
		BasePath:       cfg.Serve.BasePath,
		PublicURL:      cfg.Serve.Public.BaseURL,
		LoginURL:       cfg.ReturnTo(),
		LeadOn:         cfg.Invitation.ReturnTo != "",
		NoLogin:        login.missing,
		Page:           shown,
		APIKeys:        apiKeys(cfg),
		TrustedProxies: cfg.TrustedProxies(),
		TrustUnixPeers: cfg.TrustsUnixPeers(),
		RateLimit:      httpapi.RateLimit{Requests: cfg.Serve.Public.RateLimit.Requests, Window: time.Duration(cfg.Serve.Public.RateLimit.Window)},
		AllowedOrigins: allowedOrigins(cfg),
		Version:        version(),
		Log:            s.log,
	}))

	listeners, err := s.bind(ctx)
	if err != nil {
		return err
	}
	if s.announce != nil {
		s.announce()
	}
	group, ctx := errgroup.WithContext(ctx)
	s.answer(ctx, group, listeners.public, watching.fail.handler(api.Public()))
	s.answer(ctx, group, listeners.admin, watching.fail.handler(api.Admin()))
	group.Go(func() error { s.sweep(watching.fail.sweep(ctx), service); return nil })
	group.Go(func() error { delivery.worker.Run(ctx, watching.fail.queue(service)); return nil })
	reloads := reloader{server: s, current: cfg, last: s.read, delivery: delivery, api: api, listeners: listeners}
	group.Go(func() error { reloads.run(ctx); return nil })
	err = group.Wait()
	s.log.Info("stopped")
	return err
}

func newKratos(cfg config.Config, headers setHeaders) (*kratos.Client, bridge.BreachCounter, error) {
	client, err := kratos.New(kratos.Config{
		AdminURL:    cfg.Kratos.AdminURL,
		AdminToken:  cfg.Kratos.AdminToken.Reveal(),
		PublicURL:   cfg.Kratos.PublicURL,
		EmailTraits: cfg.Kratos.EmailTrait,
		Timeout:     budget(time.Duration(cfg.Kratos.Timeout)),
		Headers:     headers,
	})
	if err != nil || !cfg.PasswordPolicy().HaveIBeenPwnedEnabled {
		return client, nil, err
	}
	breaches, err := kratos.NewBreaches(kratos.BreachesConfig{Host: cfg.PasswordPolicy().HaveIBeenPwnedHost})
	return client, breaches, err
}

// budget leaves a fifth of the configured time for looking a password up in
// known breaches, for the store and for the answer, so that a caller hears
// within kratos.timeout however stuck Kratos is.
func budget(timeout time.Duration) time.Duration { return timeout - timeout/5 }

func passwords(p config.PasswordPolicy, breaches bridge.BreachCounter) bridge.PasswordPolicy {
	return bridge.PasswordPolicy{
		MinLength:           p.MinPasswordLength,
		CheckSimilarity:     p.IdentifierSimilarityCheckEnabled,
		Breaches:            breaches,
		MaxBreaches:         p.MaxBreaches,
		IgnoreNetworkErrors: p.IgnoreNetworkErrors,
	}
}

// newPage reads what the page is made of, and tries it out.
func newPage(cfg config.Config) (*page.Page, error) {
	p, err := page.New(page.Config(cfg.Page))
	if err != nil {
		return nil, usageError{fmt.Errorf("page: %w", err)}
	}
	return p, nil
}

func apiKeys(cfg config.Config) []httpapi.APIKey {
	keys := make([]httpapi.APIKey, 0, len(cfg.Serve.Admin.APIKeys))
	for _, k := range cfg.Serve.Admin.APIKeys {
		keys = append(keys, httpapi.APIKey{Name: k.Name, SHA256: k.Digest()})
	}
	return keys
}

func allowedOrigins(cfg config.Config) []string {
	if !cfg.Serve.Public.CORS.Enabled {
		return nil
	}
	return cfg.Serve.Public.CORS.AllowedOrigins
}

// sweep does at start, and every while, what time has made due.
func (s *server) sweep(ctx context.Context, service *bridge.Service) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		swept, err := service.Sweep(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.log.Warn("the sweep was not finished and goes on later", "cause", err.Error())
		}
		if swept != (bridge.Swept{}) {
			s.log.Info("swept", "expired", swept.Expired, "settled", swept.Settled, "looked_at", swept.Watched, "purged", swept.Purged)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
