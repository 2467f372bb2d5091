package bridge

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Renewable reports whether Renew can have any effect: whether it is permitted,
// emails are sent, and the identities of expired invitations are kept.
func (s *Service) Renewable() bool {
	return s.config.Renew && s.config.Unaccepted != DeleteAtExpiry &&
		s.config.EndpointsFor != nil && slices.Contains(s.config.EndpointsFor(EventTokenCreated), EndpointCourier)
}

// Renew emails a new link to the invited address, and to no other, given an expired
// token. An expired invitation is revived as by Resend. If the invitation was
// revived before, a new link is sent and its expiry stays. Blocking hooks are called
// before an expired invitation is revived, as before an invite. The email is sent
// even if the inviter asked for none.
//
// It returns nil whether or not an email was queued, so that callers learn nothing.
// No email is queued
//   - during the cooldown, which doubles with each email after the first, so that
//     an old link cannot be used to flood a mailbox;
//   - if the newest invitation of the address was revoked, because that is the
//     inviter's latest decision;
//   - if it was accepted, or the identity was used: there was an account, and it
//     was deactivated for a reason;
//   - if a hook refuses, or the token is still valid.
//
// Errors: ErrKratosRejected, ErrKratosUnavailable, ErrHookUnavailable,
// ErrStoreUnavailable.
func (s *Service) Renew(ctx context.Context, token string) error {
	if !s.Renewable() {
		return nil
	}
	inv, record, err := s.lookUp(ctx, token)
	if err == nil {
		inv = s.withExpiryApplied(inv)
		_, err = s.renewal(inv, record, s.now())
	}
	if err == nil {
		_, err = s.resend(ctx, inv, func(tx Tx, inv Invitation, now time.Time) (Invitation, error) {
			if err := latestDecision(tx, inv.Email); err != nil {
				return inv, err
			}
			return s.renewal(inv, record, now)
		})
	}
	var e *Error
	if errors.As(err, &e) && e.Kind != KindUnavailable && e.Kind != KindRejected {
		return nil // the same as for a guessed token
	}
	return err
}

// renewal is [Invitation.Resend] for the holder of one token.
//
// Errors: those of CheckToken except ErrExpired; ErrTooManyRequests during the
// cooldown; ErrIdentityConflict if the token is still valid.
func (s *Service) renewal(inv Invitation, record TokenRecord, now time.Time) (Invitation, error) {
	switch ended := inv.CheckToken(record, now); {
	case ended == nil:
		return inv, ErrIdentityConflict
	case !errors.Is(ended, ErrExpired):
		return inv, ended
	case now.Before(inv.InviteeNotifiedAt.Add(s.config.Cooldown << min(max(inv.SendCount-1, 0), maxDoublings))):
		return inv, ErrTooManyRequests
	case inv.CheckUsable(now) == nil:
		return inv, nil // revived before: send another email
	}
	return inv.Resend(now)
}

// latestDecision returns ErrRevoked or ErrAccepted if the newest invitation of an
// address ended like that.
func latestDecision(tx Tx, email string) error {
	newest, err := tx.ListInvitations(InvitationQuery{Email: email, Limit: 1})
	if err != nil || len(newest) == 0 {
		return err
	}
	switch newest[0].State {
	case StateRevoked:
		return ErrRevoked
	case StateAccepted:
		return ErrAccepted
	case StatePending, StateExpired:
	}
	return nil
}

// maxDoublings bounds the cooldown: a minute becomes 45 days.
const maxDoublings = 16
