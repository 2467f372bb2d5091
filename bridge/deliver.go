package bridge

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// ClaimedMessage is an attempt that this process may make until the lease ends.
type ClaimedMessage struct {
	Dispatch Dispatch
	claim    uuid.UUID
}

// ClaimMessages claims at most limit due messages of an endpoint, each for the
// duration lease. next is when to call again; zero: after the next wake-up. If
// nothing is due, nothing is written.
func (s *Service) ClaimMessages(ctx context.Context, endpoint string, limit int, lease time.Duration) (claimed []ClaimedMessage, next time.Time, err error) {
	now := s.now()
	if next, err = s.nextAttemptAt(ctx, endpoint); err != nil || next.IsZero() || next.After(now) {
		return nil, next, err
	}
	attempts, id := make([]attemptParams, limit), uuid.New()
	for i := range attempts {
		attempts[i] = attemptParams{claim: id, token: MintToken(), failed: s.prepare(EventDeliveryFailed), now: now, lease: lease}
	}
	var ended bool
	err = s.update(ctx, func(tx Tx) error {
		claimed, next, ended = nil, time.Time{}, false
		queued, err := tx.QueuedMessages(endpoint, limit+1)
		if err != nil {
			return err
		}
		for i, m := range queued {
			if next = m.NextAttemptAt(); next.After(now) || i == limit {
				return nil
			}
			c, err := s.claim(tx, m, attempts[i])
			if err != nil {
				return err
			}
			if c == nil {
				ended = true
				continue
			}
			claimed = append(claimed, *c)
		}
		next = time.Time{}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err // neither claims nor tokens were committed
	}
	if ended {
		s.wake(attempts[0].failed)
	}
	return claimed, next, nil
}

// attemptParams are the parameters of one attempt. They are minted before the
// transaction, which may run more than once.
type attemptParams struct {
	claim  uuid.UUID
	token  Token
	failed notification
	now    time.Time
	lease  time.Duration
}

// nextAttemptAt returns when the first queued message of an endpoint needs a worker;
// zero: none is queued.
func (s *Service) nextAttemptAt(ctx context.Context, endpoint string) (next time.Time, err error) {
	err = s.view(ctx, func(tx Tx) error {
		queued, err := tx.QueuedMessages(endpoint, 1)
		if len(queued) > 0 {
			next = queued[0].NextAttemptAt()
		}
		return err
	})
	return next, err
}

// claim begins one attempt. It returns nil for an email whose invitation is no
// longer pending.
func (s *Service) claim(tx Tx, m Message, a attemptParams) (*ClaimedMessage, error) {
	inv, err := tx.Invitation(m.InvitationID)
	if err != nil {
		return nil, err
	}
	switch ended := inv.endedBeforeEmail(m, a.now); {
	case errors.Is(ended, ErrExpired):
		return nil, a.failed.failMessage(tx, m.Fail(a.now), inv, "the invitation expired before the email was delivered", a.now)
	case ended != nil:
		return nil, saveMessage(tx, m.Drop(a.now), inv, a.now)
	}
	return s.beginAttempt(tx, m, inv, a)
}

// endedBeforeEmail returns the error of CheckUsable if m is the email to the
// invitee, which then must not be sent.
func (i Invitation) endedBeforeEmail(m Message, now time.Time) error {
	if m.Payload.Type != EventTokenCreated || m.Endpoint != EndpointCourier {
		return nil
	}
	return i.CheckUsable(now)
}

// beginAttempt writes a message whose first or next attempt begins, and the token
// of one that carries a link. A hook gets no token of an invitation that has ended.
func (s *Service) beginAttempt(tx Tx, m Message, inv Invitation, a attemptParams) (*ClaimedMessage, error) {
	p := m.Payload
	if p.Type == EventTokenCreated && inv.CheckUsable(a.now) == nil {
		record := TokenRecord{InvitationID: inv.ID, Channel: channelOf(m.Endpoint), Epoch: inv.Epoch}
		if err := tx.PutToken(a.token.Digest(), record); err != nil {
			return nil, err
		}
		p.Data.Token, p.Data.Link = a.token.Reveal(), s.link(a.token)
	}
	if m.Endpoint == EndpointCourier {
		p.Data.Invitation = inv.View() // the email must show the current expiry
	}
	m = m.BeginAttempt(a.claim, a.now, a.lease)
	if err := tx.PutMessage(m); err != nil {
		return nil, err
	}
	return &ClaimedMessage{claim: a.claim, Dispatch: Dispatch{
		MessageID: m.ID, Endpoint: m.Endpoint, Attempt: m.Tries, At: a.now, Payload: p,
	}}, nil
}

// saveMessage writes a message. If it is the email to the invitee, it also
// updates the delivery status of the invitation.
func saveMessage(tx Tx, m Message, inv Invitation, now time.Time) error {
	if m.Endpoint == EndpointCourier {
		if err := tx.PutInvitation(inv.ApplyDelivery(m, now)); err != nil {
			return err
		}
	}
	return tx.PutMessage(m)
}

// failMessage stores a failed message and emits delivery_failed to every other
// endpoint. A failed delivery_failed emits nothing, so failures cannot cascade.
func (t notification) failMessage(tx Tx, m Message, inv Invitation, detail string, now time.Time) error {
	if err := saveMessage(tx, m, inv, now); err != nil || m.Payload.Type == EventDeliveryFailed {
		return err
	}
	if m.Endpoint == EndpointCourier {
		inv = inv.ApplyDelivery(m, now)
	}
	p := payload(EventDeliveryFailed, inv, now)
	p.Data.Message = &FailedMessage{ID: m.ID, Event: m.Payload.Type, Endpoint: m.Endpoint, Detail: detail}
	return t.enqueue(tx, p, inv, func(endpoint string) bool { return endpoint == m.Endpoint })
}

func channelOf(endpoint string) Channel {
	if endpoint == EndpointCourier {
		return ChannelEmail
	}
	return ChannelHook
}

// FinishedMessage is an attempt that has ended.
type FinishedMessage struct {
	Claimed ClaimedMessage
	Result  SendResult
	Took    time.Duration
}

// FinishMessages commits the results of attempts, all or none. It does nothing for a
// message whose claim this process no longer holds.
func (s *Service) FinishMessages(ctx context.Context, finished ...FinishedMessage) error {
	now := s.now()
	failed, random := make([]notification, len(finished)), make([]float64, len(finished))
	for i, f := range finished {
		random[i] = rand.Float64() //nolint:gosec // spreads load, keeps no secret
		if f.Result.Outcome != AttemptSent {
			failed[i] = s.prepare(EventDeliveryFailed)
		}
	}
	err := s.update(ctx, func(tx Tx) error {
		for i, f := range finished {
			if err := finish(tx, f, failed[i], now, random[i]); err != nil {
				return err
			}
		}
		return nil
	})
	s.wake(failed...)
	return err
}

func finish(tx Tx, f FinishedMessage, failed notification, now time.Time, random float64) error {
	m, inv, err := heldMessage(tx, f.Claimed)
	if err != nil || m.ID == uuid.Nil {
		return err
	}
	var deadline time.Time
	if m.Endpoint == EndpointCourier {
		deadline = inv.ExpiresAt
	}
	m = m.Finish(f, now, deadline, random)
	if m.State == MessageFailed {
		return failed.failMessage(tx, m, inv, f.Result.Detail, now)
	}
	return saveMessage(tx, m, inv, now)
}

// heldMessage reads a message and its invitation. It returns a zero message if the
// claim is no longer current.
func heldMessage(tx Tx, c ClaimedMessage) (Message, Invitation, error) {
	m, err := tx.Message(c.Dispatch.MessageID)
	if errors.Is(err, ErrRowNotFound) || err == nil && !m.HoldsClaim(c.claim) {
		return Message{}, Invitation{}, nil
	} else if err != nil {
		return Message{}, Invitation{}, err
	}
	inv, err := tx.Invitation(m.InvitationID)
	return m, inv, err
}

// Release returns claims whose attempts were not begun: the messages are due
// immediately, for any worker.
func (s *Service) Release(ctx context.Context, claimed []ClaimedMessage) error {
	now := s.now()
	return s.update(ctx, func(tx Tx) error {
		for _, c := range claimed {
			m, _, err := heldMessage(tx, c)
			if err == nil && m.ID != uuid.Nil {
				err = tx.PutMessage(m.Release(now))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
