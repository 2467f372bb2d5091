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
	var due []Message
	err = s.update(ctx, func(tx Tx) (err error) {
		claimed, ended = nil, false
		if due, err = tx.DueMessages(endpoint, now, limit); err != nil {
			return err
		}
		for i, m := range due {
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
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err // neither claims nor tokens were committed
	}
	if ended {
		s.wake(attempts[0].failed)
	}
	if len(due) == limit {
		return claimed, now, nil // there may be more
	}
	next, err = s.nextAttemptAt(ctx, endpoint)
	if err != nil {
		s.warn("the time of the next message could not be read", "cause", err.Error())
		return claimed, now, nil
	}
	if !next.IsZero() && !next.After(now) { // another worker was using it
		next = now.Add(skipPause)
	}
	return claimed, next, nil
}

// skipPause is when messages are due again that another worker was using.
const skipPause = 50 * time.Millisecond

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
// longer pending, and for a reminder during the quiet hours, which it postpones.
func (s *Service) claim(tx Tx, m Message, a attemptParams) (*ClaimedMessage, error) {
	inv, err := invitationOf(tx, m)
	if err != nil {
		return nil, err
	}
	switch ended := inv.endedBeforeEmail(m, a.now); {
	case errors.Is(ended, ErrExpired):
		return nil, a.failed.failMessage(tx, m.Fail(a.now), inv, "the invitation expired before the email was delivered", a.now)
	case ended != nil:
		return nil, saveMessage(tx, m.Drop(a.now), inv, a.now)
	}
	if end, quiet := s.config.QuietHours.End(a.now); quiet && m.isReminderEmail() {
		if !end.Before(inv.ExpiresAt) {
			return nil, saveMessage(tx, m.Drop(a.now), inv, a.now)
		}
		return nil, tx.PutMessage(m.Postpone(end, a.now))
	}
	return s.beginAttempt(tx, m, inv, a)
}

// invitationOf returns the invitation that a message is about; zero: it is about an
// import.
func invitationOf(tx Tx, m Message) (Invitation, error) {
	if m.ImportID != uuid.Nil {
		return Invitation{}, nil
	}
	return tx.Invitation(m.InvitationID)
}

// endedBeforeEmail returns the error of CheckUsable if m is an email to the
// invitee, which then must not be sent.
func (i Invitation) endedBeforeEmail(m Message, now time.Time) error {
	if !m.Payload.Type.CarriesLink() || m.Endpoint != EndpointCourier {
		return nil
	}
	return i.CheckUsable(now)
}

// beginAttempt writes a message whose first or next attempt begins, and the token
// of one that carries a link. A hook gets no token of an invitation that has ended.
func (s *Service) beginAttempt(tx Tx, m Message, inv Invitation, a attemptParams) (*ClaimedMessage, error) {
	p := m.Payload
	if p.Type.CarriesLink() && inv.CheckUsable(a.now) == nil {
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
	failed := &FailedMessage{ID: m.ID, Event: m.Payload.Type, Endpoint: m.Endpoint, Detail: detail}
	others := func(endpoint string) bool { return endpoint == m.Endpoint }
	if m.ImportID != uuid.Nil {
		p := Payload{Type: EventDeliveryFailed, Timestamp: now, Data: PayloadData{Import: m.Payload.Data.Import, Message: failed}}
		return t.enqueueAbout(tx, m.ImportID, p, others)
	}
	p := payload(EventDeliveryFailed, inv, now)
	p.Data.Message = failed
	return t.enqueue(tx, p, inv, others)
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
		held, err := heldMessages(tx, finished, func(f FinishedMessage) ClaimedMessage { return f.Claimed })
		if err != nil {
			return err
		}
		for i, f := range finished {
			if m, ok := held[f.Claimed.Dispatch.MessageID]; ok {
				if err := finish(tx, f, m, failed[i], now, random[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	s.wake(failed...)
	return err
}

func finish(tx Tx, f FinishedMessage, m Message, failed notification, now time.Time, random float64) error {
	inv, err := invitationOf(tx, m)
	if err != nil {
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

// heldMessages reads the messages whose claims are still current, by id.
func heldMessages[T any](tx Tx, list []T, claimOf func(T) ClaimedMessage) (map[uuid.UUID]Message, error) {
	ids, claims := make([]uuid.UUID, len(list)), make(map[uuid.UUID]uuid.UUID, len(list))
	for i, item := range list {
		c := claimOf(item)
		ids[i], claims[c.Dispatch.MessageID] = c.Dispatch.MessageID, c.claim
	}
	found, err := tx.Messages(ids...)
	held := make(map[uuid.UUID]Message, len(found))
	for _, m := range found {
		if m.HoldsClaim(claims[m.ID]) {
			held[m.ID] = m
		}
	}
	return held, err
}

// Release returns claims whose attempts were not begun: the messages are due
// immediately, for any worker.
func (s *Service) Release(ctx context.Context, claimed []ClaimedMessage) error {
	now := s.now()
	return s.update(ctx, func(tx Tx) error {
		held, err := heldMessages(tx, claimed, func(c ClaimedMessage) ClaimedMessage { return c })
		for _, m := range held {
			err = errors.Join(err, tx.PutMessage(m.Release(now)))
		}
		return err
	})
}
