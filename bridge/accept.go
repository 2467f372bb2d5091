package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Accept is AcceptWith by a password.
func (s *Service) Accept(ctx context.Context, token, password string) (Invitation, error) {
	a, err := s.AcceptWith(ctx, token, AcceptParams{Method: AcceptPassword, Password: password})
	return a.Invitation, err
}

// AcceptWith activates the identity, with a password or so that the invitee can
// choose another way to sign in. Of several concurrent callers exactly one succeeds.
//
// After an error the token stays valid, unless the error says otherwise. After
// ErrKratosUnavailable it may be unknown whether the identity was activated.
// Retrying with the same token is safe; without a retry the sweep reconciles the
// outcome. A recovery flow or session is created after the acceptance is committed,
// and only for the caller who succeeded.
//
// Errors: ErrNotFound, ErrExpired, ErrRevoked, ErrAccepted; ErrMethodNotOffered,
// ErrSessionNotOffered, ErrBadRequest; ErrPasswordPolicyViolation; ErrHookRefused,
// ErrHookUnavailable; ErrAcceptInProgress, ErrAcceptTooEarly; ErrKratosRejected,
// ErrKratosUnavailable, ErrStoreUnavailable.
func (s *Service) AcceptWith(ctx context.Context, token string, p AcceptParams) (Acceptance, error) {
	inv, err := s.accept(ctx, token, p)
	if err != nil {
		return Acceptance{}, err
	}
	a := Acceptance{Invitation: inv}
	switch {
	case p.Method == AcceptKratos:
		a.Recovery = s.startRecovery(ctx, inv, p.Native)
	case p.SignIn != nil:
		a.Session = s.signIn(ctx, inv, p.Password, *p.SignIn)
	}
	return a, nil
}

func (s *Service) accept(ctx context.Context, token string, p AcceptParams) (Invitation, error) {
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
	if err := p.check(s); err != nil {
		return Invitation{}, err
	}
	if p.Method == AcceptPassword {
		if err := s.config.PasswordPolicy.Check(ctx, inv.identifiers(), p.Password); err != nil {
			return Invitation{}, err
		}
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
	hooks := payload(EventPrePassword, inv, s.now())
	hooks.Data.Method = p.Method
	outcome := s.callHooksWith(ctx, hooks)
	if outcome == nil {
		outcome = s.handOver(ctx, inv, p, channel == ChannelEmail, acceptedAt)
	}
	return s.commitOutcome(ctx, inv, p.Method, acceptedAt, outcome)
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

// commitOutcome commits the outcome of a claim, if the claim is still held, and
// returns the response for the caller.
func (s *Service) commitOutcome(ctx context.Context, claimed Invitation, method AcceptMethod, acceptedAt time.Time, outcome error) (Invitation, error) {
	now := s.instant()
	change, answer := decide(acceptedAt, now.wall, outcome)
	var inv Invitation
	ends := s.prepareClaimEnd(method)
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
			return claimLost(before.Expire(now.wall))
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
		return markUnresolved, ErrKratosUnavailable.WithReasonf("Kratos did not respond, so it is not yet known whether the account was activated. Trying again with the same link is safe.").WithCause(outcome)
	case e.Outcome == OutcomeNotApplied:
		return release, ErrKratosUnavailable.WithCause(outcome)
	default:
		return release, ErrKratosRejected.WithCause(outcome)
	}
}

// claimLost returns the error for a claim that is no longer held: its lease ended,
// and another caller took over, or the sweep ended it.
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
