package bridge

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/google/uuid"
)

// idempotencyPeriod is how long a repetition of a request is recognized.
const idempotencyPeriod = 24 * time.Hour

// IdempotencyKey returns the key under which a request is stored: client is the name of
// its API key, operation what it asks for, and key its idempotency key.
func IdempotencyKey(client, operation, key string) Digest {
	return sha256.Sum256([]byte(client + "\n" + operation + "\n" + key))
}

// repetition returns the record of the first request with the same key.
//
// Errors: ErrRowNotFound if this is the first; ErrIdempotencyKeyReused if its content is
// another one.
func repetition(tx Tx, r IdempotentRequest, now time.Time) (IdempotentRequest, error) {
	first, err := tx.IdempotentRequest(r.Key)
	switch {
	case err == nil && !first.At.Add(idempotencyPeriod).After(now):
		return first, ErrRowNotFound
	case err == nil && first.Body != r.Body:
		return first, ErrIdempotencyKeyReused
	}
	return first, err
}

// inviteOnce is invite for a request with an idempotency key. A repetition gets the
// invitation as it is now, with an additional token, since the first one is not stored;
// nobody is notified. An invitation that has ended comes without a token.
func (s *Service) inviteOnce(ctx context.Context, r InviteRequest) (IssuedInvitation, error) {
	held := &hold{service: s}
	err := held.add(ctx, "idempotent", string(r.Idempotent[:]))
	if errors.Is(err, ErrIdentityConflict) {
		return IssuedInvitation{}, ErrIdentityConflict.WithReasonf("The first request with this Idempotency-Key is still being processed. Try again in a moment.").WithRetryAfter(lateWriteGrace).WithCause(err)
	} else if err != nil {
		return IssuedInvitation{}, err
	}
	defer held.release(ctx)
	var first IdempotentRequest
	err = s.view(ctx, func(tx Tx) (err error) {
		first, err = repetition(tx, IdempotentRequest{Key: r.Idempotent, Body: r.Content}, s.now())
		return err
	})
	if errors.Is(err, ErrRowNotFound) {
		return s.invite(ctx, r)
	} else if err != nil {
		return IssuedInvitation{}, err
	}
	return s.inviteRepeated(ctx, r, first)
}

func (s *Service) inviteRepeated(ctx context.Context, r InviteRequest, first IdempotentRequest) (IssuedInvitation, error) {
	var ended Invitation
	now := s.now()
	issued, err := s.issue(ctx, issuing{mute: true, noToken: r.NoToken, put: Tx.PutInvitation}, func(tx Tx) (_ Invitation, announce bool, err error) {
		inv, err := tx.Invitation(first.ID)
		if errors.Is(err, ErrRowNotFound) {
			err = ErrNotFound.WithReasonf("The invitation of this Idempotency-Key was removed. To invite the address again, use another key.")
		}
		if err == nil && r.NoToken && inv.CreatedBy != r.CreatedBy { // the caller had more rights
			err = ErrInvitationExists
		}
		if err == nil {
			ended, err = inv, inv.CheckUsable(now)
		}
		return inv, false, err
	})
	if ended.ID != uuid.Nil && (errors.Is(err, ErrExpired) || errors.Is(err, ErrRevoked) || errors.Is(err, ErrAccepted)) {
		issued, err = IssuedInvitation{Invitation: s.withExpiryApplied(ended)}, nil
	}
	issued.Created = first.Created
	return issued, callerError(err)
}

// first returns the record of a request with an idempotency key, for its first response.
func (d *draft) first(created bool) IdempotentRequest {
	return IdempotentRequest{Key: d.Idempotent, Body: d.Content, Created: created}
}

// purgeRequestsEvery is the period after which records that are no longer recognized are looked
// for: a sweep that finds nothing to do should cost nothing.
const purgeRequestsEvery = 10 * time.Minute

// purgeRequests deletes the records of requests that are no longer recognized.
func (s *Service) purgeRequests(ctx context.Context) (n int, err error) {
	elapsed := s.config.Monotonic() - s.started.run
	if elapsed < time.Duration(s.purgeRequestsAt.Load()) {
		return 0, nil
	}
	before := s.now().Add(-idempotencyPeriod)
	err = s.update(ctx, func(tx Tx) (err error) {
		n, err = tx.DeleteIdempotentRequests(before, sweepBatch)
		return err
	})
	if err == nil && n < sweepBatch {
		s.purgeRequestsAt.Store(int64(elapsed + purgeRequestsEvery))
	}
	return n, err
}
