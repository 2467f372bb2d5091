package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"invitebridge/bridge"
)

// Webhooks are all configured hooks. They are safe for concurrent use.
type Webhooks struct {
	hooks      []*hook
	byID       map[string]*hook
	now        func() time.Time
	transports []*http.Transport
}

var (
	_ bridge.Sender = (*Webhooks)(nil)
	_ bridge.Hooks  = (*Webhooks)(nil)
)

// hook is a validated Hook.
type hook struct {
	id        string
	events    []bridge.Event
	blocking  bool
	request   *http.Request // what all requests have in common
	header    http.Header   // complete except for the headers of each attempt
	signer    signer
	template  *template // nil: the payload is sent unchanged
	timeout   time.Duration
	transport *http.Transport
}

// New validates the configuration, reads the body templates and renders each with
// samples of the hook's events. It makes no connection. Its error joins one error
// per problem, and quotes no secret, header value or URL. The caller must call
// [Webhooks.Close].
func New(config Config) (*Webhooks, error) {
	check := &validator{}
	w := &Webhooks{byID: make(map[string]*hook), now: config.Now}
	if w.now == nil {
		w.now = time.Now
	}
	transports := newTransports()
	w.transports = transports.all()
	exceptions := check.exceptions(config.PrivateIPExceptionURLs)
	agent := check.userAgent(config.Version)
	for i, configured := range config.Hooks {
		h := check.hook(fmt.Sprintf("hooks[%d]", i), configured)
		if w.byID[h.id] != nil {
			check.problem(fmt.Sprintf("hooks[%d].id", i), "another hook has this id")
		}
		if h.header.Get("User-Agent") == "" {
			h.header.Set("User-Agent", agent)
		}
		h.transport = transports.unrestricted
		if config.DisallowPrivateIPRanges && !exceptions[withoutQuery(configured.URL)] {
			h.transport = transports.publicOnly
		}
		w.hooks = append(w.hooks, h)
		w.byID[h.id] = h
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	return w, nil
}

// Close closes idle connections. Attempts in flight continue, and w remains
// usable.
func (w *Webhooks) Close() {
	for _, transport := range w.transports {
		transport.CloseIdleConnections()
	}
}

// Endpoints returns the ids of the hooks to notify of event, in the order of the
// configuration: none for a blocking event.
func (w *Webhooks) Endpoints(event bridge.Event) []string {
	var ids []string
	for _, h := range w.hooks {
		if !h.blocking && h.subscribes(event) {
			ids = append(ids, h.id)
		}
	}
	return ids
}

// body returns the request body for p.
//
// Errors: those of template.render.
func (h *hook) body(ctx context.Context, p bridge.Payload) ([]byte, error) {
	body, err := encode(p)
	if err != nil || h.template == nil {
		return body, err
	}
	return h.template.render(ctx, body)
}

func encode(p bridge.Payload) ([]byte, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	// Bodies are never part of an HTML page, and people read links in them.
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(p); err != nil {
		return nil, errPayload
	}
	return bytes.TrimSuffix(plain.Bytes(), []byte("\n")), nil
}

func (h *hook) subscribes(event bridge.Event) bool { return slices.Contains(h.events, event) }
