package main

import (
	"context"
	"sync/atomic"

	"invitebridge/bridge"
	"invitebridge/bridge/mail"
	"invitebridge/bridge/outbox"
	"invitebridge/bridge/webhook"
)

// Concurrent attempts per endpoint. Mail servers limit connections; receivers of
// hooks usually do not.
const (
	mailConcurrency = 8
	hookConcurrency = webhook.Concurrency
)

// delivery sends messages and calls blocking hooks. Its senders can be replaced
// while it runs.
type delivery struct {
	worker  *outbox.Worker
	current atomic.Pointer[senders]
}

var _ bridge.Hooks = (*delivery)(nil)

// senders holds the hooks and the courier of one configuration.
type senders struct {
	hooks     *webhook.Webhooks
	courier   bridge.Sender // nil: no email is sent
	mailer    *mail.Mailer  // the courier if it is an SMTP client, else nil
	endpoints []outbox.Endpoint
}

// newDelivery creates the senders and their worker, and starts nothing.
func (s *server) newDelivery() (*delivery, error) {
	first, err := newSenders(s.config, s.courier, s.instrumentation.sender)
	if err != nil {
		return nil, usageError{err}
	}
	d := &delivery{worker: outbox.New(first.endpoints, s.log)}
	d.current.Store(first)
	return d, nil
}

// setSenders uses the new senders from now on. Attempts in flight finish with the
// old ones.
func (d *delivery) setSenders(next *senders) {
	previous := d.current.Swap(next)
	d.worker.SetEndpoints(next.endpoints)
	previous.close()
}

func (d *delivery) close() { d.current.Load().close() }

// close closes the connections that no attempt is using.
func (s *senders) close() {
	s.hooks.Close()
	if s.mailer != nil {
		s.mailer.Close()
	}
}

// Call calls the blocking hooks of the current configuration.
func (d *delivery) Call(ctx context.Context, p bridge.Payload) error {
	return d.current.Load().hooks.Call(ctx, p)
}

// Ask calls one blocking hook of the current configuration.
func (d *delivery) Ask(ctx context.Context, hook string, p bridge.Payload) error {
	return d.current.Load().hooks.Ask(ctx, hook, p)
}

// endpoints returns the endpoints that subscribe to an event.
func (d *delivery) endpoints(event bridge.Event) []string {
	now := d.current.Load()
	endpoints := now.hooks.Endpoints(event)
	if event.CarriesLink() && now.courier != nil {
		endpoints = append([]string{bridge.EndpointCourier}, endpoints...)
	}
	return endpoints
}

// localeSupported calls the current mailer's LocaleSupported. Without a mailer,
// every locale is supported.
func (d *delivery) localeSupported(locale string) (known bool, languages []string) {
	if mailer := d.current.Load().mailer; mailer != nil {
		return mailer.LocaleSupported(locale)
	}
	return true, nil
}
