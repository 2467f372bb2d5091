package bridge

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// notification is the set of messages about one event, to be written in the
// transaction of the change that they report. What is random in them is minted
// before the transaction, because that may run more than once.
type notification struct {
	service *Service
	event   Event
	method  AcceptMethod // of an acceptance
	drafts  []draftMessage
}

// draftMessage is the message to one endpoint, before the transaction.
type draftMessage struct {
	endpoint string
	id       uuid.UUID
	slot     Slot // nil: the message is queued
	attempt  attemptParams
	// What the last run of the transaction wrote: neither if nothing.
	claimed *ClaimedMessage
	queued  bool
}

// prepare returns the messages of an event, one for each endpoint that subscribes
// to it.
func (s *Service) prepare(event Event) notification {
	t := notification{service: s, event: event}
	if s.config.EndpointsFor == nil {
		return t
	}
	endpoints := s.config.EndpointsFor(event)
	t.drafts = make([]draftMessage, len(endpoints))
	for i, endpoint := range endpoints {
		t.drafts[i] = draftMessage{endpoint: endpoint, id: s.newID()}
	}
	return t
}

// includesEmail reports whether there is an email to the invitee.
func (t notification) includesEmail() bool {
	return slices.ContainsFunc(t.drafts, func(d draftMessage) bool { return d.endpoint == EndpointCourier })
}

// includesHooks reports whether there is a message for a hook.
func (t notification) includesHooks() bool {
	return slices.ContainsFunc(t.drafts, func(d draftMessage) bool { return d.endpoint != EndpointCourier })
}

// reserve makes the messages start their first attempt right after the commit, as
// far as the outbox has nothing else to do: the commit that writes such a message
// claims it too. The caller must call release.
func (t notification) reserve(now time.Time) {
	if t.service.config.Outbox == nil {
		return
	}
	for i := range t.drafts {
		d := &t.drafts[i]
		var lease time.Duration
		if d.slot, lease = t.service.config.Outbox.Reserve(d.endpoint); d.slot != nil {
			d.attempt = attemptParams{claim: uuid.New(), token: MintToken(), now: now, lease: lease}
		}
	}
}

// release returns the slots in which no attempt was started.
func (t notification) release() {
	for i := range t.drafts {
		if d := &t.drafts[i]; d.slot != nil {
			d.slot.Release()
			d.slot = nil
		}
	}
}

// enqueue writes the messages, except those for which skip returns true. An email
// whose invitation has ended meanwhile gets no attempt: the worker ends it, as one
// that waited for too long.
func (t notification) enqueue(tx Tx, p Payload, inv Invitation, skip func(endpoint string) bool) error {
	for i := range t.drafts {
		d := &t.drafts[i]
		d.claimed, d.queued = nil, false
		if skip != nil && skip(d.endpoint) {
			continue
		}
		m := Message{
			ID: d.id, Endpoint: d.endpoint, InvitationID: inv.ID, State: MessageQueued, Payload: p,
			CreatedAt: p.Timestamp, UpdatedAt: p.Timestamp, DueAt: p.Timestamp, Since: p.Timestamp,
		}
		var err error
		if d.slot == nil || inv.endedBeforeEmail(m, d.attempt.now) != nil {
			d.queued, err = true, tx.PutMessage(m)
		} else {
			d.claimed, err = t.service.beginAttempt(tx, m, inv, d.attempt)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enqueueAbout writes the messages about an import.
func (t notification) enqueueAbout(tx Tx, importID uuid.UUID, p Payload, skip func(endpoint string) bool) error {
	for i := range t.drafts {
		d := &t.drafts[i]
		d.claimed, d.queued = nil, false
		if skip != nil && skip(d.endpoint) {
			continue
		}
		err := tx.PutMessage(Message{
			ID: d.id, Endpoint: d.endpoint, ImportID: importID, State: MessageQueued, Payload: p,
			CreatedAt: p.Timestamp, UpdatedAt: p.Timestamp, DueAt: p.Timestamp, Since: p.Timestamp,
		})
		if err != nil {
			return err
		}
		d.queued = true
	}
	return nil
}

// saveAndEnqueue writes an invitation and, if its state has changed, enqueues the
// event. A state change also decides whether the identity is to be deleted.
func (t notification) saveAndEnqueue(tx Tx, before, after Invitation, now time.Time) error {
	if before.State != after.State {
		if after.State == StateAccepted {
			after.Method = t.method
		}
		after = after.decideLeftover(t.service.config.Unaccepted, now)
	}
	if err := tx.PutInvitation(after); err != nil || before.State == after.State {
		return err
	}
	p := payload(t.event, after, now)
	switch after.State {
	case StateRevoked:
		p.Data.Reason = after.Reason
	case StateAccepted:
		p.Data.Late, p.Data.Method = before.State != StatePending, t.method
	case StatePending, StateExpired:
	}
	return t.enqueue(tx, p, after, nil)
}

// wake starts the attempts that were claimed, and wakes the workers of the other
// endpoints. It is called after the commit.
func (s *Service) wake(notifications ...notification) {
	for _, t := range notifications {
		for i := range t.drafts {
			switch d := &t.drafts[i]; {
			case d.claimed != nil:
				d.slot.Start(*d.claimed)
				d.slot = nil
			case d.slot == nil, d.queued:
				s.wakeEndpoint(d.endpoint)
			}
		}
	}
}

// wakeUnsure wakes the workers if a commit failed with err because of the store: it
// may have taken effect, and what it claimed is due when the lease ends.
func (s *Service) wakeUnsure(err error, notifications ...notification) {
	if !errors.Is(err, ErrStoreUnavailable) {
		return
	}
	for _, t := range notifications {
		for _, d := range t.drafts {
			s.wakeEndpoint(d.endpoint)
		}
	}
}

func (s *Service) wakeEndpoint(endpoint string) {
	if s.config.Wake != nil {
		s.config.Wake(endpoint)
	}
}

// claimNotifications holds the messages for both outcomes of a claim.
type claimNotifications struct{ accepted, revoked notification }

// prepareClaimEnd returns the messages for both outcomes. method is that of the
// acceptance, if it succeeded; empty: AcceptPassword.
func (s *Service) prepareClaimEnd(method AcceptMethod) claimNotifications {
	e := claimNotifications{accepted: s.prepare(EventPostPassword), revoked: s.prepare(EventInvitationRevoked)}
	e.accepted.method = cmp.Or(method, AcceptPassword)
	return e
}

func (e claimNotifications) saveAndEnqueue(tx Tx, before, after Invitation, now time.Time) error {
	if after.State == StateAccepted {
		return e.accepted.saveAndEnqueue(tx, before, after, now)
	}
	return e.revoked.saveAndEnqueue(tx, before, after, now)
}
