package bridge_test

import (
	"context"
	"sync"
	"time"

	"invitebridge/bridge"
)

// modelOutbox is the outbox of a bridge: while it is idle, an email is claimed by the
// commit that writes it, and sent at once. The step "deliver" records that, unless
// the process is killed before.
type modelOutbox struct {
	idle bool

	mu      sync.Mutex
	started []bridge.ClaimedMessage
}

func (*modelOutbox) Endpoints() []bridge.Endpoint { return nil }

func (*modelOutbox) Enable(context.Context, string) (bool, error) { return false, nil }

func (o *modelOutbox) Reserve(endpoint string) (bridge.Slot, time.Duration) {
	if !o.idle || endpoint != bridge.EndpointCourier {
		return nil, 0
	}
	return o, time.Minute
}

func (o *modelOutbox) Start(m bridge.ClaimedMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.started = append(o.started, m)
}

func (*modelOutbox) Release() {}

// takeStarted returns what was started since the last call.
func (o *modelOutbox) takeStarted() []bridge.ClaimedMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	started := o.started
	o.started = nil
	return started
}

// sendStarted sends what the last call started: the links are known from now on.
func (h *history) sendStarted() {
	for _, n := range h.bridges {
		h.send(n, n.outbox.takeStarted())
	}
}

func (h *history) send(n *node, claimed []bridge.ClaimedMessage) {
	for _, c := range claimed {
		data := c.Dispatch.Payload.Data
		l := h.invitations[data.Invitation.ID]
		if c.Dispatch.Payload.Type == bridge.EventReminder && !h.quietUntil(h.now()).IsZero() {
			h.broken("a reminder of %s is sent in the quiet hours", l.id)
		}
		h.links = append(h.links, link{text: data.Token, invitation: l, epoch: l.epoch, email: true})
		n.sent = append(n.sent, bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: bridge.AttemptSent}})
	}
}
