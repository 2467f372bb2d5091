package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/idna"
	"golang.org/x/sync/errgroup"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/httpapi"
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
			"SIGTERM); then lets requests under way finish.\n\n" +
			"With --dev it needs no configuration: it expects Kratos on its default ports,\n" +
			"keeps invitations in a temporary file, makes up an API key and prints it, and\n" +
			"prints links instead of having them mailed. Not for production.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(config.Options{Files: files, Environ: environ, Dev: dev})
			if err != nil {
				return usageError{err}
			}
			s := server{config: cfg, log: newLogger(io.err, cfg.Log)}
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
	config  config.Config
	log     *slog.Logger
	courier bridge.Sender // where no mail server is configured; nil: nobody is mailed
}

// serve runs until ctx ends. It owns all it makes: when it returns, the store is
// closed and every goroutine has ended, save those of requests that had to be
// cut off because they took longer than any may.
func (s *server) serve(ctx context.Context) error {
	cfg := s.config
	watching, err := s.newObservers()
	if err != nil {
		return err
	}
	defer watching.close()
	store, err := boltstore.Open(cfg.BoltPath(), boltstore.OnCommit(watching.metrics.Commit))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	identities, breaches, err := newKratos(cfg, watching.headers())
	if err != nil {
		return err
	}
	returnURLs, err := bridge.ParseReturnURLs(cfg.Invitation.AllowedReturnURLs)
	if err != nil {
		return usageError{err}
	}
	delivery, err := s.newDelivery(watching.sender)
	if err != nil {
		return err
	}
	defer delivery.hooks.Close()
	service := bridge.NewService(store, watching.identities(identities), bridge.Config{
		SchemaID:         cfg.Kratos.SchemaID,
		EmailTrait:       cfg.Kratos.EmailTrait,
		ToASCII:          idna.Lookup.ToASCII,
		LinkURL:          cfg.LinkTemplate(),
		ReturnURLs:       returnURLs,
		Lifespan:         time.Duration(cfg.Invitation.Lifespan),
		MaxLifespan:      time.Duration(cfg.Invitation.MaxLifespan),
		Cooldown:         time.Duration(cfg.Invitation.Cooldown),
		Retention:        time.Duration(cfg.Invitation.Retention),
		IdentityBudget:   budget(time.Duration(cfg.Kratos.Timeout)),
		Passwords:        passwords(cfg.PasswordPolicy(), breaches),
		DeleteUnaccepted: cfg.Invitation.DeleteUnacceptedIdentities,
		Endpoints:        delivery.endpoints,
		Wake:             delivery.worker.Wake,
		Hooks:            watching.hooks(delivery.hooks),
		Count:            watching.metrics.Count,
	})
	watching.scrape(service, store)
	api := httpapi.New(service, watching.api(httpapi.Config{
		BasePath:       cfg.Serve.BasePath,
		LoginURL:       cfg.ReturnTo(),
		APIKeys:        apiKeys(cfg),
		TrustedProxies: cfg.TrustedProxies(),
		RateLimit:      httpapi.RateLimit{Requests: cfg.Serve.Public.RateLimit.Requests, Window: time.Duration(cfg.Serve.Public.RateLimit.Window)},
		AllowedOrigins: allowedOrigins(cfg),
		Version:        version(),
		Log:            s.log,
	}))

	public, admin, err := s.bind(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	s.answer(ctx, group, "public", public, api.Public())
	s.answer(ctx, group, "admin", admin, api.Admin())
	group.Go(func() error { s.sweep(ctx, service); return nil })
	group.Go(func() error { delivery.worker.Run(ctx, service); return nil })
	err = group.Wait()
	s.log.Info("stopped")
	return err
}

func newKratos(cfg config.Config, headers func(context.Context, http.Header)) (*kratos.Client, bridge.BreachCounter, error) {
	client, err := kratos.New(kratos.Config{
		AdminURL:   cfg.Kratos.AdminURL,
		AdminToken: cfg.Kratos.AdminToken.Reveal(),
		EmailTrait: cfg.Kratos.EmailTrait,
		Timeout:    budget(time.Duration(cfg.Kratos.Timeout)),
		Headers:    headers,
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

// bind opens both ports, or none.
func (s *server) bind(ctx context.Context) (public, admin net.Listener, err error) {
	var l net.ListenConfig
	if public, err = l.Listen(ctx, "tcp", s.config.PublicAddr()); err != nil {
		return nil, nil, fmt.Errorf("serve.public: %w", err)
	}
	if admin, err = l.Listen(ctx, "tcp", s.config.AdminAddr()); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("serve.admin: %w", err), public.Close())
	}
	return public, admin, nil
}

// answer serves handler until ctx ends, and then until the requests under way
// have ended, or time is up.
func (s *server) answer(ctx context.Context, group *errgroup.Group, name string, l net.Listener, handler http.Handler) {
	server := httpapi.NewServer(handler, longest(s.config), s.log)
	s.log.Info("listening", "listener", name, "address", l.Addr().String())
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve.%s: %w", name, err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest(s.config))
		defer cancel()
		if err := server.Shutdown(stopping); err != nil {
			s.log.Warn("requests were cut off", "listener", name)
			return server.Close()
		}
		return nil
	})
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
			s.log.Info("swept", "expired", swept.Expired, "settled", swept.Settled, "purged", swept.Purged)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
