package bridge

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Renewable says whether Renew can do anything at all: whether it is permitted,
// emails are sent, and the identities of expired invitations are kept.
func (s *Service) Renewable() bool {
	return s.config.Renew && s.config.Unaccepted != DeleteAtExpiry &&
		s.config.Endpoints != nil && slices.Contains(s.config.Endpoints(EventTokenCreated), EndpointCourier)
}

// Renew has a fresh link sent to the address that was invited, and to nobody
// else, for the holder of a dead one: as Resend does for an expired invitation;
// for one that was revived before, the letter is repeated, and its expiry stays.
// At most once per cooldown, which doubles with each letter that was sent after
// the first: an old link is no means to fill a mailbox. An invitee who asks is
// mailed even if the inviter wanted no mail.
//
// Where a newer invitation of the address was revoked, that is the inviter's
// latest decision; where one was accepted, or the identity was used, there was an
// account, and it was deactivated for a reason. Hooks are asked before an
// expired invitation is revived, as before an invite.
//
// In all other cases nothing happens, and the caller learns nothing of it: nil.
// ErrKratosAway, ErrStoreAway.
func (s *Service) Renew(ctx context.Context, token string) error {
	if !s.Renewable() {
		return nil
	}
	inv, record, err := s.byToken(ctx, token)
	if err == nil {
		inv = s.aged(inv)
		_, err = s.renewed(inv, record, s.now())
	}
	if err == nil {
		_, err = s.resend(ctx, inv, func(tx Tx, inv Invitation, now time.Time) (Invitation, error) {
			if err := lastWord(tx, inv.Email); err != nil {
				return inv, err
			}
			return s.renewed(inv, record, now)
		})
	}
	var e *Error
	if errors.As(err, &e) && e.Kind != KindUnavailable && e.Kind != KindRejected {
		return nil // and so it is for whoever guesses
	}
	return err
}

// renewed is Resend for the holder of one token. ErrTooMany during the
// cooldown; ErrIdentityConflict if that token is as good as any new one.
func (s *Service) renewed(inv Invitation, record TokenRecord, now time.Time) (Invitation, error) {
	switch ended := inv.UsableBy(record, now); {
	case ended == nil:
		return inv, ErrIdentityConflict
	case !errors.Is(ended, ErrExpired):
		return inv, ended
	case now.Before(inv.AnnouncedAt.Add(s.config.Cooldown << min(max(inv.SendCount-1, 0), maxDoublings))):
		return inv, ErrTooMany
	case inv.Usable(now) == nil:
		return inv, nil // it was revived, and its letter is to be repeated
	}
	return inv.Resend(now)
}

// lastWord gives ErrRevoked or ErrAccepted if that is how the newest invitation
// of an address ended.
func lastWord(tx Tx, email string) error {
	newest, err := tx.ListInvitations(Query{Email: email, Limit: 1})
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

// maxDoublings makes a minute more than a month.
const maxDoublings = 16

// byToken reads the invitation of a token, dead or alive. ErrNotFound.
func (s *Service) byToken(ctx context.Context, text string) (inv Invitation, record TokenRecord, err error) {
	token, ok := ParseToken(text)
	if !ok {
		return inv, record, ErrNotFound
	}
	err = s.view(ctx, func(tx Tx) (err error) {
		inv, record, err = tx.InvitationByToken(token.Digest())
		return err
	})
	return inv, record, notFound(err)
}
