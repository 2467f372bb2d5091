package bridge

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

// Messages returns a page of messages, newest first. next is the value of q.Before
// for the next page; zero: this is the last one.
//
// Errors: ErrNotFound if q names an invitation that does not exist;
// ErrStoreUnavailable.
func (s *Service) Messages(ctx context.Context, q MessageQuery) (page []Message, next uuid.UUID, err error) {
	limit := q.Limit
	q.Limit++ // one more shows whether there is a next page
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
	return page, next, callerError(err)
}

// Message returns one message.
//
// Errors: ErrMessageNotFound; ErrStoreUnavailable.
func (s *Service) Message(ctx context.Context, id uuid.UUID) (m Message, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		m, err = tx.Message(id)
		return err
	})
	return m, messageNotFound(err)
}

// RetryMessage makes a failed or queued message due now, under the same id, and
// restarts its schedule.
//
// Errors: ErrMessageNotFound; ErrMessageNotFailed; ErrEndpointDisabled;
// ErrStoreUnavailable; ErrExpired, ErrRevoked or ErrAccepted for an email whose
// invitation can no longer be accepted.
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
			return ErrEndpointDisabled.WithReasonf("The endpoint %q is disabled because its receiver responded with status 410. Enable the endpoint, then retry the message.", m.Endpoint)
		}
		inv, err := invitationOf(tx, m)
		if err == nil && m.Endpoint == EndpointCourier {
			err = inv.CheckUsable(now)
		}
		if err != nil {
			return err
		}
		return saveMessage(tx, m, inv, now)
	})
	if err == nil || errors.Is(err, ErrStoreUnavailable) { // it may have been committed
		s.wakeEndpoint(m.Endpoint)
	}
	if err != nil {
		return Message{}, messageNotFound(err)
	}
	return m, nil
}

func messageNotFound(err error) error {
	if errors.Is(err, ErrRowNotFound) {
		return ErrMessageNotFound
	}
	return err
}
