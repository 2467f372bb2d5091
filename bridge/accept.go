package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Accept sets the password and activates the identity. Of several concurrent
// callers exactly one succeeds.
//
// After an error the token stays valid, unless the error says otherwise. After
// ErrKratosUnavailable it may be unknown whether the password was set. Retrying
// with the same token is safe; without a retry the sweep reconciles the outcome.
//
// Errors: ErrNotFound, ErrExpired, ErrRevoked, ErrAccepted;
// ErrPasswordPolicyViolation; ErrHookRefused, ErrHookUnavailable;
// ErrAcceptInProgress, ErrAcceptTooEarly; ErrKratosRejected,
// ErrKratosUnavailable, ErrStoreUnavailable.
func (s *Service) Accept(ctx context.Context, token, password string) (Invitation, error) {
	inv, d, err := s.lookUpUsable(ctx, token)
	if errors.Is(err, ErrExpired) && inv.State == StatePending && inv.Claim != nil {
		// It may have been accepted by a request whose response was lost.
		if _, ended := s.takeOverClaim(ctx, inv); ended != nil {
			return Invitation{}, ended
		}
	}
	if err != nil {
		return Invitation{}, err
	}
	if err := s.config.PasswordPolicy.Check(ctx, inv.identifiers(), password); err != nil {
		return Invitation{}, err
	}
	if err := s.tooEarly(inv); err != nil {
		return Invitation{}, err
	}
	// From here on, a caller who disconnects must not leave the work half done.
	ctx = context.WithoutCancel(ctx)
	former, err := s.takeOverClaim(ctx, inv)
	if err != nil {
		return Invitation{}, err
	}
	inv, channel, err := s.begin(ctx, d, former)
	if err != nil {
		return Invitation{}, err
	}
	acceptedAt := s.now()
	outcome := s.callHooks(ctx, EventPrePassword, inv)
	if outcome == nil {
		outcome = s.handOver(ctx, inv, password, channel == ChannelEmail, acceptedAt)
	}
	return s.commitOutcome(ctx, inv, acceptedAt, outcome)
}

// identifiers returns the texts that a password must not resemble.
func (i Invitation) identifiers() []string { return append([]string{i.Email}, i.Identifiers...) }

// begin claims the invitation of a token, replacing the claim former. channel is
// how the token left the bridge.
//
// The claim is on the disk before anything is sent, so that after a crash the
// identity is read before anyone else may write to it. The only other commit of an
// acceptance is that of its outcome.
func (s *Service) begin(ctx context.Context, d Digest, former uuid.UUID) (inv Invitation, channel Channel, err error) {
	id, now := uuid.New(), s.instant()
	s.claims.take(id, now.add(s.lease()))
	err = s.update(ctx, func(tx Tx) (err error) {
		if inv, channel, err = usableByToken(tx, d, now.wall); err != nil {
			return err
		}
		if inv, err = inv.BeginAccept(id, former, now.wall, s.lease()); err != nil {
			return err
		}
		return tx.PutInvitation(inv)
	})
	if err != nil {
		s.claims.drop(id)
		return inv, channel, err
	}
	s.claims.drop(former)
	return inv, channel, nil
}

// handOver makes the identity the invitee's: it removes old credentials, verifies
// the address, sets the password and activates. It ends with the claim's lease.
func (s *Service) handOver(ctx context.Context, inv Invitation, password string, verify bool, at time.Time) error {
	claim, ok := s.claims.find(inv.Claim.ID)
	left := s.instant().left(claim.until) - leaseMargin
	if !ok || left <= 0 {
		return notApplied("activate", "the lease of the claim ended before")
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, s.config.IdentityTimeout))
	defer cancel()
	w := writer{service: s, identity: inv.IdentityID, question: inv.question(), lease: claim.until.add(-leaseMargin), begin: s.beginForClaim(inv)}
	if inv.Origin == OriginReactivated {
		if err := s.removeCredentials(ctx, w, inv); err != nil {
			return err
		}
		w.question.cleaned = true
	}
	if verify {
		err := w.write(ctx, func(i Identity) (Write, error) {
			if i.EmailIndex < 0 || i.EmailVerified {
				return nil, nil
			}
			return WriteVerified{At: at}, nil
		})
		if err != nil {
			return err
		}
	}
	return w.write(ctx, func(i Identity) (Write, error) {
		if err := s.config.PasswordPolicy.CheckSimilar(i.Identifiers, password); err != nil {
			return nil, err
		}
		return WriteActive{Mark: Mark{InvitationID: inv.ID, AcceptedAt: at, Origin: inv.Origin}, Password: password}, nil
	})
}

// question returns the question to judge about the identity of a stored
// invitation.
func (i Invitation) question() question {
	return question{
		invitation: i.ID, email: i.Email, baseline: i.Baseline, cleaned: !i.CleaningBeganAt.IsZero(),
		existing: i.Origin != OriginCreated, maker: i.ID, addresses: i.Addresses,
	}
}

// beginForClaim returns the begin function of a writer for a claim. It fails
// unless the claim is still held and no revocation was requested. Only
// writes that remove what opened a reactivated identity store a note of it; for
// the others the store has nothing to commit.
func (s *Service) beginForClaim(inv Invitation) func(context.Context, Identity, Write) error {
	return func(ctx context.Context, i Identity, w Write) error {
		if err := s.checkAcceptable(ctx, i, inv.Email); err != nil {
			return err
		}
		now := s.now()
		return s.update(ctx, func(tx Tx) error {
			current, err := tx.Invitation(inv.ID)
			switch {
			case err != nil:
				return callerError(err)
			case !current.HoldsClaim(inv.Claim.ID):
				return claimLost(current)
			case !current.RevokeRequestedAt.IsZero():
				return ErrRevoked
			case !now.Before(current.Claim.Until):
				return ErrKratosUnavailable.WithCause(notApplied(w.Name(), "the lease of the claim ended before"))
			}
			if cleaned := current.noteCleaning(w, i, now); cleaned != nil {
				return tx.PutInvitation(*cleaned)
			}
			return nil
		})
	}
}

// commitOutcome commits the outcome of a claim, if the claim is still held, and
// returns the response for the caller.
func (s *Service) commitOutcome(ctx context.Context, claimed Invitation, acceptedAt time.Time, outcome error) (Invitation, error) {
	now := s.instant()
	change, answer := decide(acceptedAt, now.wall, outcome)
	var inv Invitation
	ends := s.prepareClaimEnd()
	ends.accepted.reserve(now.wall)
	defer ends.accepted.release()
	err := s.update(ctx, func(tx Tx) error {
		before, err := tx.Invitation(claimed.ID)
		if err != nil {
			return err
		}
		if outcome == nil && before.State == StateAccepted && before.AcceptedAt.Equal(acceptedAt) {
			inv = before // another process has read the identity and stored this acceptance
			return nil
		}
		if !before.HoldsClaim(claimed.Claim.ID) {
			return claimLost(before)
		}
		inv = change(before)
		return ends.saveAndEnqueue(tx, before, inv, now.wall)
	})
	switch {
	case err != nil:
		// The commit failed, so the answer must not be returned as a promise.
		// The claim is reconciled by reading the identity.
		s.claims.markUnresolved(claimed.Claim.ID, now)
		s.wakeUnsure(err, ends.accepted, ends.revoked)
		return Invitation{}, errors.Join(callerError(err), answer)
	case inv.Claim != nil:
		s.claims.markUnresolved(claimed.Claim.ID, now)
	default:
		s.claims.drop(claimed.Claim.ID)
	}
	s.wake(ends.accepted, ends.revoked)
	if answer != nil {
		if inv.State == StateRevoked && !inv.RevokeRequestedAt.IsZero() {
			answer = ErrRevoked.WithCause(answer)
		}
		return Invitation{}, answer
	}
	return inv, nil
}

// decide maps the outcome of an acceptance to a change of the invitation and the
// error for the caller.
func decide(acceptedAt, now time.Time, outcome error) (change func(Invitation) Invitation, answer error) {
	release := func(i Invitation) Invitation { return i.ReleaseClaim(now) }
	markUnresolved := func(i Invitation) Invitation { return i.MarkUnresolved(now) }
	gone := func(i Invitation) Invitation { return i.Invalidate(ReasonGone, now) }
	var e *IdentityError
	var ours *Error
	var refused refusal
	switch {
	case outcome == nil:
		return func(i Invitation) Invitation { return i.Accept(acceptedAt) }, nil
	case errors.As(outcome, &refused):
		change = func(i Invitation) Invitation { return i.Reconcile(refused.verdict, refused.identity.Mark, now) }
		if refused.verdict == verdictAccepted { // by a request whose response was lost
			return change, ErrAccepted.WithCause(outcome)
		}
		return change, ErrRevoked.WithCause(outcome)
	case errors.Is(outcome, ErrIdentityNotFound):
		return gone, ErrRevoked.WithCause(outcome)
	case errors.As(outcome, &ours): // from a hook, or before the write: Kratos was not called
		return release, outcome
	case !errors.As(outcome, &e):
		return markUnresolved, ErrInternal.WithCause(outcome)
	case e.Outcome == OutcomeUnknown:
		return markUnresolved, ErrKratosUnavailable.WithReasonf("Kratos did not respond, so it is not yet known whether the password was set. Trying again with the same link is safe.").WithCause(outcome)
	case e.Outcome == OutcomeNotApplied:
		return release, ErrKratosUnavailable.WithCause(outcome)
	default:
		return release, ErrKratosRejected.WithCause(outcome)
	}
}

// claimLost returns the error for a claim that is no longer held: its lease ended
// and another caller took over.
func claimLost(inv Invitation) error {
	switch inv.State {
	case StateAccepted:
		return ErrAccepted
	case StateRevoked:
		return ErrRevoked
	case StateExpired:
		return ErrExpired
	default:
		return ErrAcceptInProgress.WithRetryAfter(lateWriteGrace)
	}
}
