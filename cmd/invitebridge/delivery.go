package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/mail"
	"invitebridge/bridge/outbox"
	"invitebridge/bridge/webhook"
	"invitebridge/config"
)

// How many attempts at once: a mail server counts connections, a hook's
// receiver rather does not.
const (
	mailAtOnce = 8
	hookAtOnce = 32
)

// delivery is everything that tells somebody something.
type delivery struct {
	hooks   *webhook.Webhooks
	courier bridge.Sender // nil: nobody is mailed
	worker  *outbox.Worker
}

// newDelivery makes the senders and their worker, and starts nothing. Each
// sender is put into what watched makes of it.
func (s *server) newDelivery(watched func(bridge.Sender) bridge.Sender) (*delivery, error) {
	hooks, err := webhook.New(webhookConfig(s.config))
	if err != nil {
		return nil, usageError{err}
	}
	d := &delivery{hooks: hooks, courier: s.courier}
	if smtp := s.config.Courier.SMTP; smtp.ConnectionURI != "" {
		d.courier, err = mail.New(mail.Config{
			ConnectionURI:        smtp.ConnectionURI.Reveal(),
			FromAddress:          smtp.FromAddress,
			FromName:             smtp.FromName,
			TemplateOverridePath: s.config.Courier.TemplateOverridePath,
		})
		if err != nil {
			return nil, usageError{err}
		}
	}
	var endpoints []outbox.Endpoint
	if d.courier != nil {
		endpoints = append(endpoints, outbox.Endpoint{Name: bridge.EndpointCourier, Sender: watched(d.courier), Concurrency: mailAtOnce})
	}
	for _, hook := range s.config.Hooks {
		if !hook.CanInterrupt {
			endpoints = append(endpoints, outbox.Endpoint{Name: hook.ID, Sender: watched(hooks), Concurrency: hookAtOnce})
		}
	}
	d.worker = outbox.New(endpoints, s.log)
	return d, nil
}

// endpoints gives those that want to be told of an event.
func (d *delivery) endpoints(event bridge.Event) []string {
	endpoints := d.hooks.Endpoints(event)
	if event == bridge.EventTokenCreated && d.courier != nil {
		endpoints = append([]string{bridge.EndpointCourier}, endpoints...)
	}
	return endpoints
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
