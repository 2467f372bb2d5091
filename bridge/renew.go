package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
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
//   - during the cooldown, which doubles with each email after the first except
//     reminders, up to four lifespans of a link, so that nobody can flood a mailbox, and nobody can
//     keep its owner without a link for ever;
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
		err = s.resendByInvitee(ctx, inv, func(inv Invitation, now time.Time) (Invitation, error) {
			return s.renewal(inv, record, now)
		})
	}
	return unlessUnavailable(err)
}

// unlessUnavailable returns nil for a refusal, so that callers learn nothing.
func unlessUnavailable(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Kind != KindUnavailable && e.Kind != KindRejected {
		return nil
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
	}
	return s.anotherLink(inv, now)
}

// anotherLink returns an invitation for which the invitee may get another email: an
// expired one is revived, a valid one keeps its expiry.
//
// Errors: those of [Invitation.Resend]; ErrTooManyRequests during the cooldown.
func (s *Service) anotherLink(inv Invitation, now time.Time) (Invitation, error) {
	requested := inv.SendCount - inv.ReminderCount // nobody asked for a reminder
	cooldown := s.config.Cooldown << min(max(requested-1, 0), maxDoublings)
	switch {
	case now.Before(inv.InviteeNotifiedAt.Add(min(cooldown, max(maxCooldown*s.config.Lifespan, s.config.Cooldown)))):
		return inv, ErrTooManyRequests
	case inv.CheckUsable(now) == nil:
		return inv, nil
	}
	return inv.Resend(now)
}

// resendByInvitee is resend, unless change refuses, or the inviter's latest decision
// about the address is another one.
func (s *Service) resendByInvitee(ctx context.Context, inv Invitation, change func(Invitation, time.Time) (Invitation, error)) error {
	inv = s.withExpiryApplied(inv)
	if _, err := change(inv, s.now()); err != nil {
		return err
	}
	// Before the lock, so that the inviter need not wait for hooks that a stranger made
	// the bridge call.
	if err := s.askToRevive(ctx, inv); err != nil {
		return err
	}
	held, err := s.lockBoth(ctx, inv)
	if err != nil {
		return err
	}
	defer held.release(ctx)
	// Which invitation is the newest does not change while the address is locked. Its
	// state may.
	newest, err := s.newestOf(ctx, inv.Email)
	if err != nil {
		return err
	}
	_, err = s.resend(ctx, inv, issuing{held: held, noToken: true, put: Tx.PutInvitation}, func(tx Tx, inv Invitation, now time.Time) (Invitation, error) {
		if err := latestDecision(tx, newest.ID); err != nil {
			return inv, err
		}
		return change(inv, now)
	})
	return err
}

// newestOf returns the newest invitation of an address.
//
// Errors: ErrNotFound if there is none.
func (s *Service) newestOf(ctx context.Context, email string) (Invitation, error) {
	var newest []Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		newest, err = tx.ListInvitations(InvitationQuery{Email: email, Limit: 1})
		return err
	})
	switch {
	case err != nil:
		return Invitation{}, err
	case len(newest) == 0:
		return Invitation{}, ErrNotFound
	}
	return newest[0], nil
}

// latestDecision returns ErrRevoked or ErrAccepted if the newest invitation of an
// address ended like that.
func latestDecision(tx Tx, newest uuid.UUID) error {
	inv, err := tx.Invitation(newest)
	if err != nil {
		return err
	}
	switch inv.State {
	case StateRevoked:
		return ErrRevoked
	case StateAccepted:
		return ErrAccepted
	case StatePending, StateExpired:
	}
	return nil
}

// maxDoublings keeps the cooldown within the range of a duration. maxCooldown is its
// upper bound in lifespans.
const (
	maxDoublings = 16
	maxCooldown  = 4
)
