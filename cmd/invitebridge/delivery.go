package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/mail"
	"invitebridge/bridge/outbox"
	"invitebridge/bridge/page"
	"invitebridge/bridge/webhook"
	"invitebridge/config"
)

// How many attempts at once: a mail server counts connections, a hook's
// receiver rather does not.
const (
	mailAtOnce = 8
	hookAtOnce = 32
)

// delivery is everything that tells somebody something. Whom, and how, can be
// replaced while it works.
type delivery struct {
	worker  *outbox.Worker
	current atomic.Pointer[senders]
}

var _ bridge.Hooks = (*delivery)(nil)

// senders is what one configuration says of hooks and courier.
type senders struct {
	hooks     *webhook.Webhooks
	courier   bridge.Sender // nil: nobody is mailed
	mailer    *mail.Mailer  // courier, if that writes emails
	endpoints []outbox.Endpoint
}

// newDelivery makes the senders and their worker, and starts nothing.
func (s *server) newDelivery() (*delivery, error) {
	first, err := s.newSenders(s.config)
	if err != nil {
		return nil, usageError{err}
	}
	d := &delivery{worker: outbox.New(first.endpoints, s.log)}
	d.current.Store(first)
	return d, nil
}

// replace has everything go by the new senders from now on. Attempts under way
// end as they began.
func (d *delivery) replace(next *senders) {
	former := d.current.Swap(next)
	d.worker.Replace(next.endpoints)
	former.hooks.Close()
}

func (d *delivery) close() { d.current.Load().hooks.Close() }

// Ask asks the hooks there are now.
func (d *delivery) Ask(ctx context.Context, p bridge.Payload) error {
	return d.current.Load().hooks.Ask(ctx, p)
}

// endpoints gives those that want to be told of an event.
func (d *delivery) endpoints(event bridge.Event) []string {
	now := d.current.Load()
	endpoints := now.hooks.Endpoints(event)
	if event == bridge.EventTokenCreated && now.courier != nil {
		endpoints = append([]string{bridge.EndpointCourier}, endpoints...)
	}
	return endpoints
}

// speaks is Speaks of the mailer there is now; without one, any locale is known.
func (d *delivery) speaks(locale string) (known bool, languages []string) {
	if mailer := d.current.Load().mailer; mailer != nil {
		return mailer.Speaks(locale)
	}
	return true, nil
}

// newSenders reads templates and connects to nothing.
func (s *server) newSenders(cfg config.Config) (*senders, error) {
	hooks, err := webhook.New(webhookConfig(cfg))
	if err != nil {
		return nil, err
	}
	made := &senders{hooks: hooks, courier: s.courier}
	mailer, err := newMailer(cfg)
	if err != nil {
		return nil, err
	}
	if mailer != nil {
		made.courier, made.mailer = mailer, mailer
	}
	if made.courier != nil {
		made.endpoints = append(made.endpoints, outbox.Endpoint{Name: bridge.EndpointCourier, Sender: s.watching.sender(made.courier), Concurrency: mailAtOnce})
	}
	for _, hook := range cfg.Hooks {
		if !hook.CanInterrupt {
			made.endpoints = append(made.endpoints, outbox.Endpoint{Name: hook.ID, Sender: s.watching.sender(hooks), Concurrency: hookAtOnce, Settings: hook})
		}
	}
	return made, nil
}

// newMailer reads the letters; nil: no mail server is configured.
func newMailer(cfg config.Config) (*mail.Mailer, error) {
	smtp := cfg.Courier.SMTP
	if smtp.ConnectionURI == "" {
		return nil, nil
	}
	// Whether the logo can be read is said about the page.
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
		Look: mail.Look{
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
	out := webhook.Config{DisallowPrivateIPRanges: cfg.Clients.HTTP.DisallowPrivateIPRanges, Version: version()}
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

// printer is the courier of development: it prints the link.
type printer struct{ out io.Writer }

// Send prints, and never fails.
func (p printer) Send(_ context.Context, d bridge.Dispatch) bridge.Result {
	fmt.Fprintf(p.out, "Invitation for %s: %s\n", d.Payload.Data.Invitation.Email, d.Payload.Data.Link)
	return bridge.Result{Outcome: bridge.Sent}
}
