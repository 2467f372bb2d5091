package bridge

import (
	"context"
	"errors"
	"time"
)

// Preview returns the invitation of a token without changing anything. A success
// is counted in [Counters].
//
// Errors: ErrExpired, ErrRevoked, ErrAccepted; ErrNotFound for unknown and
// malformed tokens alike; ErrStoreUnavailable.
func (s *Service) Preview(ctx context.Context, token string) (Invitation, error) {
	inv, _, err := s.lookUpUsable(ctx, token)
	if err != nil {
		return Invitation{}, err
	}
	if s.config.OnCounted != nil {
		s.config.OnCounted(Counters{Opened: 1})
	}
	return inv, nil
}

// Locale returns the language and the time zone of the invitation of a token,
// whether or not the token is still valid. Empty: none was set, or there is no
// such invitation.
func (s *Service) Locale(ctx context.Context, token string) (locale, timeZone string) {
	inv, _, err := s.lookUp(ctx, token)
	if err != nil {
		return "", ""
	}
	return inv.Locale, inv.TimeZone
}

// lookUpUsable looks up a token and checks that it can be used. A malformed token
// is looked up too, so that it takes as long as an unknown one.
//
// Errors: ErrNotFound; those of [Invitation.CheckToken], together with the
// invitation.
func (s *Service) lookUpUsable(ctx context.Context, text string) (Invitation, Digest, error) {
	token, ok := ParseToken(text)
	d := token.Digest()
	if !ok {
		d = digest(text)
	}
	var inv Invitation
	now := s.now()
	err := s.view(ctx, func(tx Tx) (err error) {
		inv, _, err = usableByToken(tx, d, now)
		return err
	})
	if err == nil && !ok {
		err = ErrNotFound
	}
	return inv, d, err
}

func usableByToken(tx Tx, d Digest, now time.Time) (Invitation, Channel, error) {
	inv, record, err := tx.InvitationByToken(d)
	if errors.Is(err, ErrRowNotFound) {
		return inv, "", ErrNotFound
	} else if err != nil {
		return inv, "", err
	}
	return inv, record.Channel, inv.CheckToken(record, now)
}

// lookUp reads the invitation of a token, whether or not the token is still valid.
//
// Errors: ErrNotFound; ErrStoreUnavailable.
func (s *Service) lookUp(ctx context.Context, text string) (inv Invitation, record TokenRecord, err error) {
	token, ok := ParseToken(text)
	if !ok {
		return inv, record, ErrNotFound
	}
	err = s.view(ctx, func(tx Tx) (err error) {
		inv, record, err = tx.InvitationByToken(token.Digest())
		return err
	})
	return inv, record, callerError(err)
}
