package bridge

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// Claimed is an attempt that this process may make, until its lease ends.
type Claimed struct {
	Dispatch Dispatch
	claim    uuid.UUID
}

// ClaimMessages gives at most limit attempts that are due at an endpoint, each
// held for lease. next is when the endpoint wants to be looked at again; zero:
// when it is woken. Where nothing is due, nothing is written.
func (s *Service) ClaimMessages(ctx context.Context, endpoint string, limit int, lease time.Duration) (claimed []Claimed, next time.Time, err error) {
	now := s.now()
	queued, err := s.queued(ctx, endpoint, limit)
	if err != nil || len(queued) == 0 {
		return nil, time.Time{}, err
	}
	if next = queued[0].Next(); next.After(now) {
		return nil, next, nil
	}
	limit = len(queued) // no more tokens than there are messages
	begins := make([]beginning, limit)
	id := uuid.New()
	for i := range begins {
		begins[i] = beginning{claim: id, token: MintToken(), failed: s.tell(EventDeliveryFailed), now: now, lease: lease}
	}
	var ended bool
	err = s.update(ctx, func(tx Tx) error {
		claimed, next, ended = nil, time.Time{}, false
		queued, err := tx.QueuedMessages(endpoint, limit+1)
		if err != nil {
			return err
		}
		for i, m := range queued {
			if next = m.Next(); next.After(now) || i == limit {
				return nil
			}
			c, err := s.claim(tx, m, begins[i])
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
		return nil, time.Time{}, err // what was claimed was not kept, nor were the tokens
	}
	if ended {
		s.wake(begins[0].failed)
	}
	return claimed, next, nil
}

// beginning is what one attempt begins with; minted before the transaction.
type beginning struct {
	claim  uuid.UUID
	token  Token
	failed telling
	now    time.Time
	lease  time.Duration
}

func (s *Service) queued(ctx context.Context, endpoint string, limit int) (queued []Message, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		queued, err = tx.QueuedMessages(endpoint, limit)
		return err
	})
	return queued, err
}

// claim begins one attempt. A message that carries a link gets its token here;
// nil: it is a letter whose invitation is no longer pending.
func (s *Service) claim(tx Tx, m Message, b beginning) (*Claimed, error) {
	inv, err := tx.Invitation(m.InvitationID)
	if err != nil {
		return nil, err
	}
	p := m.Payload
	if p.Type == EventTokenCreated {
		switch ended := inv.Usable(b.now); {
		case ended == nil:
			record := TokenRecord{InvitationID: inv.ID, Channel: channelOf(m.Endpoint), Epoch: inv.Epoch}
			if err := tx.PutToken(b.token.Digest(), record); err != nil {
				return nil, err
			}
			p.Data.Token, p.Data.Link = b.token.Reveal(), s.link(b.token)
		case m.Endpoint == EndpointCourier && errors.Is(ended, ErrExpired):
			return nil, b.failed.giveUp(tx, m.Fail(b.now), inv, "the invitation expired before the letter got through", b.now)
		case m.Endpoint == EndpointCourier:
			return nil, put(tx, m.Drop(b.now), inv, b.now)
		}
	}
	if m.Endpoint == EndpointCourier {
		p.Data.Invitation = inv.View() // its reader wants to know until when it lasts now
	}
	m = m.Begin(b.claim, b.now, b.lease)
	if err := tx.PutMessage(m); err != nil {
		return nil, err
	}
	return &Claimed{claim: b.claim, Dispatch: Dispatch{
		MessageID: m.ID, Endpoint: m.Endpoint, Attempt: m.Tries, At: b.now, Payload: p,
	}}, nil
}

// put writes a message, and shows on its invitation what became of it if it is
// the letter.
func put(tx Tx, m Message, inv Invitation, now time.Time) error {
	if m.Endpoint == EndpointCourier {
		if err := tx.PutInvitation(inv.Delivered(m, now)); err != nil {
			return err
		}
	}
	return tx.PutMessage(m)
}

// giveUp writes a failed message, and tells of it; but not of a failure to tell
// of a failure, and not the endpoint that fails.
func (t telling) giveUp(tx Tx, m Message, inv Invitation, detail string, now time.Time) error {
	if err := put(tx, m, inv, now); err != nil || m.Payload.Type == EventDeliveryFailed {
		return err
	}
	if m.Endpoint == EndpointCourier {
		inv = inv.Delivered(m, now)
	}
	p := payload(EventDeliveryFailed, inv, now)
	p.Data.Message = &FailedMessage{ID: m.ID, Event: m.Payload.Type, Endpoint: m.Endpoint, Detail: detail}
	return t.write(tx, p, func(endpoint string) bool { return endpoint == m.Endpoint })
}

func channelOf(endpoint string) Channel {
	if endpoint == EndpointCourier {
		return ChannelEmail
	}
	return ChannelHook
}

// FinishMessage commits what came of an attempt, if it is still this process'
// own; else it does nothing.
func (s *Service) FinishMessage(ctx context.Context, c Claimed, r Result) error {
	now, luck := s.now(), rand.Float64() //nolint:gosec // spreads load, keeps no secret
	var failed telling
	if r.Outcome != Sent {
		failed = s.tell(EventDeliveryFailed)
	}
	err := s.update(ctx, func(tx Tx) error {
		m, inv, err := held(tx, c)
		if err != nil || m.ID == uuid.Nil {
			return err
		}
		var deadline time.Time
		if m.Endpoint == EndpointCourier {
			deadline = inv.ExpiresAt
		}
		m = m.Finish(r, c.Dispatch.At, now, deadline, luck)
		if m.State == MessageFailed {
			return failed.giveUp(tx, m, inv, r.Detail, now)
		}
		return put(tx, m, inv, now)
	})
	s.wake(failed)
	return err
}

// held reads a message and its invitation if the claim is still current; else
// it gives an empty message.
func held(tx Tx, c Claimed) (Message, Invitation, error) {
	m, err := tx.Message(c.Dispatch.MessageID)
	if errors.Is(err, ErrMissing) || err == nil && !m.Holds(c.claim) {
		return Message{}, Invitation{}, nil
	} else if err != nil {
		return Message{}, Invitation{}, err
	}
	inv, err := tx.Invitation(m.InvitationID)
	return m, inv, err
}

// HandBack gives up claims whose attempts were not begun: they are due at once,
// for whoever runs next.
func (s *Service) HandBack(ctx context.Context, claimed []Claimed) error {
	now := s.now()
	return s.update(ctx, func(tx Tx) error {
		for _, c := range claimed {
			m, _, err := held(tx, c)
			if err == nil && m.ID != uuid.Nil {
				err = tx.PutMessage(m.HandBack(now))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
