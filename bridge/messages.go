package bridge

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

// Messages gives a page of messages, newest first, and the id to give as
// q.Before for the next; zero: there is none. ErrNotFound if q names an
// invitation that is not there.
func (s *Service) Messages(ctx context.Context, q MessageQuery) (page []Message, next uuid.UUID, err error) {
	limit := q.Limit
	q.Limit++ // one more tells whether more follow
	err = s.view(ctx, func(tx Tx) (err error) {
		if q.InvitationID != uuid.Nil {
			if _, err := tx.Invitation(q.InvitationID); err != nil {
				return err
			}
		}
		page, err = tx.ListMessages(q)
		return err
	})
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, notFound(err)
}

// Message reads one message. ErrMessageNotFound.
func (s *Service) Message(ctx context.Context, id uuid.UUID) (m Message, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		m, err = tx.Message(id)
		return err
	})
	return m, messageNotFound(err)
}

// RetryMessage sends a failed message again, under the same id, with the whole
// schedule before it; a queued one is attempted now. ErrMessageNotFound;
// ErrMessageEnded; ErrEndpointDisabled; and for an email whose invitation cannot
// be accepted any more, ErrExpired, ErrRevoked or ErrAccepted.
func (s *Service) RetryMessage(ctx context.Context, id uuid.UUID) (m Message, err error) {
	now := s.now()
	err = s.update(ctx, func(tx Tx) (err error) {
		if m, err = tx.Message(id); err != nil {
			return err
		}
		if m, err = m.Retry(now); err != nil {
			return err
		}
		if s.disabled(m.Endpoint) {
			return ErrEndpointDisabled.Reasonf("The endpoint %q is disabled, because its receiver answered 410. Enable the endpoint first, then retry the message.", m.Endpoint)
		}
		inv, err := tx.Invitation(m.InvitationID)
		if err == nil && m.Endpoint == EndpointCourier {
			err = inv.Usable(now)
		}
		if err != nil {
			return err
		}
		return put(tx, m, inv, now)
	})
	if err != nil {
		return Message{}, messageNotFound(err)
	}
	s.wake(telling{endpoints: []string{m.Endpoint}})
	return m, nil
}

func messageNotFound(err error) error {
	if errors.Is(err, ErrMissing) {
		return ErrMessageNotFound
	}
	return err
}
