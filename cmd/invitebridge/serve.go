package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/idna"
	"golang.org/x/sync/errgroup"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/importer"
	"invitebridge/config"
)

// sweepInterval bounds how long a claim stays unresolved after its lease, and how
// late a reminder is. If nothing is due, a sweep reads four keys.
const sweepInterval = 5 * time.Second

// maxResponseTime bounds a response: ten seconds for blocking hooks, then
// kratos.timeout for the rest. Shutdown waits this long for requests in flight.
// An inviter's session is looked up before that, and hooks may be asked about the inviter.
func maxResponseTime(cfg config.Config) time.Duration {
	most := bridge.HookBudget + time.Duration(cfg.Kratos.Timeout)
	if cfg.Inviters.Enabled {
		most *= 2
	}
	return most
}

func newServe(environ []string, io stdio) *cobra.Command {
	var files []string
	var dev bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the bridge",
		Long: "Serves the public and the admin listener until SIGINT or SIGTERM, then finishes the\n" +
			"requests in flight. A database in dsn must be migrated, see migrate sql, unless\n" +
			"serve.migrate is true. Changes to hooks, clients, courier, page, API keys,\n" +
			"certificates and log.level are applied while it runs: within seconds, or at once on\n" +
			"SIGHUP. All other changes take effect after a restart.\n\n" +
			"With --dev it needs no configuration: it expects Kratos on its default ports, keeps\n" +
			"invitations in a temporary file unless dsn is set, migrates a database in dsn,\n" +
			"generates and prints an API key unless one is configured, and prints links unless a\n" +
			"mail server is configured. Not for production.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := server{options: config.Options{Files: files, Environ: environ, Dev: dev}}
			var stop func()
			s.reloadSignal, stop = reloadSignals()
			defer stop()
			var err error
			if s.config, s.read, err = s.load(nil); err != nil {
				return usageError{err}
			}
			s.log, s.level = newLogger(io.err, s.config.Log)
			if dev {
				cleanup, err := s.enableDev(io)
				if err != nil {
					return err
				}
				defer cleanup()
			}
			return s.serve(cmd.Context())
		},
	}
	configFlags(cmd, &files, &dev)
	return cmd
}

// server holds the parts of one run of serve.
type server struct {
	options     config.Options
	config      config.Config
	read        loadedFrom // the sources of config
	log         *slog.Logger
	level       *slog.LevelVar
	devDefaults func(*config.Config) // defaults of development mode; nil: none
	// printDevKey prints the generated API key once the listeners are open; nil: no
	// key was generated.
	printDevKey  func()
	reloadSignal <-chan os.Signal // triggers a reload
	courier      bridge.Sender    // used without a mail server; nil: no email is sent

	instrumentation *instrumentation // decorates the adapters
}

// serve runs until ctx ends. It owns everything it creates: when it returns, the
// store is closed and every goroutine has ended, except those of requests that
// were aborted because they exceeded maxResponseTime.
func (s *server) serve(ctx context.Context) error {
	cfg := s.config
	page, err := newPage(cfg)
	if err != nil {
		return err
	}
	instruments, err := s.newInstrumentation()
	if err != nil {
		return err
	}
	defer instruments.close()
	s.instrumentation = instruments
	store, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	identities, breaches, err := newKratos(cfg, instruments.headers())
	if err != nil {
		return err
	}
	if err := s.checkSchema(ctx, identities); err != nil {
		return err
	}
	s.checkRecovery(ctx, identities)
	returnURLs, err := bridge.ParseReturnURLs(cfg.Invitation.AllowedReturnURLs)
	if err != nil {
		return usageError{err}
	}
	quietHours, err := bridge.ParseQuietHours(cfg.Invitation.QuietHours)
	if err != nil {
		return usageError{err}
	}
	delivery, err := s.newDelivery()
	if err != nil {
		return err
	}
	defer delivery.close()
	if store.shared != nil {
		delivery.worker.Share(store.shared, sharedInterval)
	}
	if cfg.Page.Title == "" {
		s.log.Warn("page.title is not set: emails and the page do not name what invitees are invited to")
	}
	for _, text := range cfg.Warnings() {
		s.log.Warn(text)
	}
	sessions, err := newSessions(cfg)
	if err != nil {
		return err
	}
	var imports *importer.Worker // needs the service, which wakes it
	service := bridge.NewService(instruments.fail.store(store), instruments.identities(identities), bridge.Config{
		SchemaID:            cfg.Kratos.SchemaID,
		ToASCII:             idna.Lookup.ToASCII,
		LinkTemplate:        cfg.LinkTemplate(),
		AllowedReturnURLs:   returnURLs,
		Lifespan:            time.Duration(cfg.Invitation.Lifespan),
		MaxLifespan:         time.Duration(cfg.Invitation.MaxLifespan),
		Cooldown:            time.Duration(cfg.Invitation.Cooldown),
		Reminders:           reminders(cfg.Invitation.Reminders),
		QuietHours:          quietHours,
		Retention:           time.Duration(cfg.Invitation.Retention),
		IdentityTimeout:     identityTimeout(time.Duration(cfg.Kratos.Timeout)),
		PasswordPolicy:      passwordPolicy(cfg.PasswordPolicy(), breaches),
		Unaccepted:          bridge.Unaccepted(cfg.Invitation.UnacceptedIdentities),
		AcceptWith:          acceptMethods(cfg),
		ReturnTo:            cfg.Invitation.ReturnTo,
		Sessions:            cfg.Invitation.Session,
		Renew:               cfg.Invitation.Renew,
		LocaleSupported:     delivery.localeSupported,
		AllowedInviterNames: cfg.Invitation.AllowedInviterNames,
		MessageTraits:       cfg.Invitation.TraitsInMessages,
		CodeLifespan:        instruments.fail.codeLifespan(time.Duration(cfg.Kratos.CodeLifespan)),
		NeverUsedSince:      cfg.NeverUsedSince(),
		EndpointsFor:        delivery.endpoints,
		Wake:                delivery.worker.Wake,
		WakeImports:         func() { imports.Wake() },
		ParseInvite:         httpapi.ParseInvite,
		Outbox:              delivery.worker,
		InviterSessions:     sessions,
		Inviters:            inviterRules(cfg.Inviters),
		Hooks:               instruments.hooks(delivery),
		OnCounted:           instruments.metrics.Count,
		Warn:                s.log.Warn,
		Info:                s.log.Info,
		Clock:               store.clock(),
		Now:                 wallClock,
	})
	imports = importer.New(instruments.fail.imports(service), s.log, store.now(), store.pollInterval())
	instruments.scrape(service, store)
	login, err := newLoginPage(cfg)
	if err != nil {
		return err
	}
	api := httpapi.New(service, instruments.api(httpapi.Config{
		BasePath:       cfg.Serve.BasePath,
		PublicURL:      cfg.Serve.Public.BaseURL,
		LoginURL:       cfg.DefaultReturnURL(),
		AutoRedirect:   cfg.Invitation.ReturnTo != "",
		NoLogin:        login.missing,
		RecoveryURL:    cfg.RecoveryURL(),
		Page:           page,
		APIKeys:        apiKeys(cfg),
		TrustedProxies: cfg.TrustedProxies(),
		TrustUnixPeers: cfg.TrustsUnixPeers(),
		RateLimit:      rateLimit(cfg.Serve.Public.RateLimit),
		MaxImportSize:  int64(cfg.Import.MaxSize),
		AllowedOrigins: allowedOrigins(cfg),
		Inviters:       inviters(cfg.Inviters),
		Version:        version(),
		Log:            s.log,
	}))

	instruments.metrics.CollectLinkRequests(api.LinkRequests)
	listeners, err := s.bind(ctx)
	if err != nil {
		return err
	}
	if s.printDevKey != nil {
		s.printDevKey()
	}
	group, ctx := errgroup.WithContext(ctx)
	s.serveListener(ctx, group, listeners.public, instruments.fail.handler(api.Public()))
	s.serveListener(ctx, group, listeners.admin, instruments.fail.handler(api.Admin()))
	group.Go(func() error { s.sweep(ctx, service, store.sweepInterval()); return nil })
	group.Go(func() error { delivery.worker.Run(ctx, instruments.fail.queue(service)); return nil })
	group.Go(func() error { imports.Run(ctx); return nil })
	group.Go(func() error { api.SendLinks(ctx); return nil })
	reloads := reloader{server: s, current: cfg, last: s.read, delivery: delivery, api: api, listeners: listeners}
	group.Go(func() error { reloads.run(ctx); return nil })
	group.Go(func() error { debug.FreeOSMemory(); return nil }) // a start needs more than an idle bridge
	err = group.Wait()
	s.log.Info("stopped")
	return err
}

// sweep runs a sweep at start and after every interval, until ctx ends.
func (s *server) sweep(ctx context.Context, service *bridge.Service, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		swept, err := service.Sweep(s.instrumentation.fail.sweep(ctx))
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.log.Warn("sweep failed; the rest is done by the next sweep", "cause", err.Error())
		}
		if swept != (bridge.SweepResult{}) {
			s.log.Info("swept", "expired", swept.Expired, "settled", swept.Reconciled, "looked_at", swept.Checked,
				"reminded", swept.Reminded, "purged", swept.Purged, "requests", swept.Requests, "revoked", swept.Revoked)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
