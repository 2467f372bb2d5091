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
	tokens := make([]Token, limit)
	for i := range tokens {
		tokens[i] = MintToken()
	}
	id := uuid.New()
	err = s.update(ctx, func(tx Tx) error {
		claimed, next = nil, time.Time{}
		queued, err := tx.QueuedMessages(endpoint, limit+1)
		if err != nil {
			return err
		}
		for i, m := range queued {
			if next = m.Next(); next.After(now) || i == limit {
				return nil
			}
			c, err := s.claim(tx, m, id, tokens[i], now, lease)
			if err != nil {
				return err
			}
			if c != nil {
				claimed = append(claimed, *c)
			}
		}
		next = time.Time{}
		return nil
	})
	return claimed, next, err
}

func (s *Service) queued(ctx context.Context, endpoint string, limit int) (queued []Message, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		queued, err = tx.QueuedMessages(endpoint, limit)
		return err
	})
	return queued, err
}

// claim begins one attempt. A message that carries a link gets its token here;
// nil: the message was dropped, because its invitation is no longer pending.
func (s *Service) claim(tx Tx, m Message, id uuid.UUID, token Token, now time.Time, lease time.Duration) (*Claimed, error) {
	inv, err := tx.Invitation(m.InvitationID)
	if err != nil {
		return nil, err
	}
	p := m.Payload
	if p.Type == EventTokenCreated {
		switch pending := inv.Usable(now) == nil; {
		case pending:
			record := TokenRecord{InvitationID: inv.ID, Channel: channelOf(m.Endpoint), Epoch: inv.Epoch}
			if err := tx.PutToken(token.Digest(), record); err != nil {
				return nil, err
			}
			p.Data.Token, p.Data.Link = token.Reveal(), s.link(token)
		case m.Endpoint == EndpointCourier:
			return nil, tx.PutMessage(m.Drop(now))
		}
	}
	m = m.Begin(id, now, lease)
	if err := tx.PutMessage(m); err != nil {
		return nil, err
	}
	return &Claimed{claim: id, Dispatch: Dispatch{
		MessageID: m.ID, Endpoint: m.Endpoint, Attempt: m.Tries, At: now, Payload: p,
	}}, nil
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
	failed := s.tell(EventDeliveryFailed)
	var told bool
	err := s.update(ctx, func(tx Tx) error {
		told = false
		m, inv, err := held(tx, c)
		if err != nil || m.ID == uuid.Nil {
			return err
		}
		var deadline time.Time
		if m.Endpoint == EndpointCourier {
			deadline = inv.ExpiresAt
		}
		m = m.Finish(r, c.Dispatch.At, now, deadline, luck)
		if m.Endpoint == EndpointCourier && m.State != MessageQueued {
			inv = inv.Delivered(m.State == MessageSent, now)
			if err := tx.PutInvitation(inv); err != nil {
				return err
			}
		}
		if told = m.State == MessageFailed && m.Payload.Type != EventDeliveryFailed; told {
			p := payload(EventDeliveryFailed, inv, now)
			p.Data.Message = &FailedMessage{ID: m.ID, Event: m.Payload.Type, Endpoint: m.Endpoint, Detail: r.Detail}
			if err := failed.write(tx, p, func(endpoint string) bool { return endpoint == m.Endpoint }); err != nil {
				return err
			}
		}
		return tx.PutMessage(m)
	})
	if err == nil && told {
		s.wake(failed)
	}
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
