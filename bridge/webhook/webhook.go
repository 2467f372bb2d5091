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
	hooks []*hook
	byID  map[string]*hook
	now   func() time.Time
	pools []*http.Transport
}

var (
	_ bridge.Sender = (*Webhooks)(nil)
	_ bridge.Hooks  = (*Webhooks)(nil)
)

// hook is a checked Hook.
type hook struct {
	id        string
	events    []bridge.Event
	blocking  bool
	url       string
	method    string
	header    http.Header // complete, but for what each attempt adds
	signer    signer
	template  *template // nil: the payload as it is
	timeout   time.Duration
	transport *http.Transport
}

// New checks the configuration, reads the body templates, tries each with samples
// of the hook's events, and connects to nothing. The error joins one error for each problem; it quotes
// no secret, no header's value and no URL. Call [Webhooks.Close] in the end.
func New(config Config) (*Webhooks, error) {
	check := &checker{}
	w := &Webhooks{byID: make(map[string]*hook), now: config.Now}
	if w.now == nil {
		w.now = time.Now
	}
	pools := newPools()
	w.pools = pools.all()
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
		h.transport = pools.open
		if config.DisallowPrivateIPRanges && !exceptions[withoutQuery(h.url)] {
			h.transport = pools.guarded
		}
		w.hooks = append(w.hooks, h)
		w.byID[h.id] = h
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	return w, nil
}

// Close closes idle connections. Attempts under way go on, and more may follow.
func (w *Webhooks) Close() {
	for _, pool := range w.pools {
		pool.CloseIdleConnections()
	}
}

// Endpoints gives the ids of the hooks that are to be told of event, in the
// order of the configuration: none for a blocking event.
func (w *Webhooks) Endpoints(event bridge.Event) []string {
	var ids []string
	for _, h := range w.hooks {
		if !h.blocking && h.wants(event) {
			ids = append(ids, h.id)
		}
	}
	return ids
}

// body gives what is to be sent about p; the errors are those of
// template.render.
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
	// Bodies are never HTML; links in them are for people to read, too.
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(p); err != nil {
		return nil, errPayload
	}
	return bytes.TrimSuffix(plain.Bytes(), []byte("\n")), nil
}

func (h *hook) wants(event bridge.Event) bool { return slices.Contains(h.events, event) }
