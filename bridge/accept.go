package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Look reads the invitation that a token opens, and changes nothing; a success
// is counted. With
// ErrExpired, ErrRevoked and ErrAccepted no invitation is given. ErrNotFound
// for unknown and malformed tokens alike.
func (s *Service) Look(ctx context.Context, token string) (Invitation, error) {
	inv, _, err := s.open(ctx, token)
	if err != nil {
		return Invitation{}, err
	}
	if s.config.Count != nil {
		s.config.Count(Tally{Opened: 1})
	}
	return inv, nil
}

// Locale gives the language and the time zone of the invitation of a token, dead
// or alive; empty: it has none, or there is no such invitation.
func (s *Service) Locale(ctx context.Context, token string) (locale, timeZone string) {
	inv, _, err := s.byToken(ctx, token)
	if err != nil {
		return "", ""
	}
	return inv.Locale, inv.TimeZone
}

// open looks a token up and checks that it can be used. A malformed one is
// looked up too, so that it takes as long as an unknown one. With an error of
// Usable the invitation is given too.
func (s *Service) open(ctx context.Context, text string) (Invitation, Digest, error) {
	token, ok := ParseToken(text)
	d := token.Digest()
	if !ok {
		d = digest(text)
	}
	var inv Invitation
	now := s.now()
	err := s.view(ctx, func(tx Tx) (err error) {
		inv, _, err = usable(tx, d, now)
		return err
	})
	if err == nil && !ok {
		err = ErrNotFound
	}
	return inv, d, err
}

func usable(tx Tx, d Digest, now time.Time) (Invitation, Channel, error) {
	inv, record, err := tx.InvitationByToken(d)
	if errors.Is(err, ErrMissing) {
		return inv, "", ErrNotFound
	} else if err != nil {
		return inv, "", err
	}
	return inv, record.Channel, inv.UsableBy(record, now)
}

// Accept sets the password and activates the identity. One caller wins,
// however many there are.
//
// ErrNotFound, ErrExpired, ErrRevoked, ErrAccepted; ErrPasswordPolicy;
// ErrHookRefused, ErrHookUnavailable; ErrAcceptInProgress, ErrTooEarly;
// ErrKratosRejected, ErrKratosAway, ErrStoreAway. The token stays valid after
// any of them that does not say otherwise. After ErrKratosAway it may be unknown
// whether the password was set: trying again with the token is safe, and so is
// not trying, for the sweep settles it.
func (s *Service) Accept(ctx context.Context, token, password string) (Invitation, error) {
	inv, d, err := s.open(ctx, token)
	if errors.Is(err, ErrExpired) && inv.State == StatePending && inv.Claim != nil {
		// It may have been accepted: the answer that would have told is lost.
		if _, settled := s.resolve(ctx, inv); settled != nil {
			return Invitation{}, settled
		}
	}
	if err != nil {
		return Invitation{}, err
	}
	if err := s.config.Passwords.Check(ctx, inv.identifiers(), password); err != nil {
		return Invitation{}, err
	}
	if err := s.early(inv); err != nil {
		return Invitation{}, err
	}
	// From here on, a caller who goes away must not leave things half done.
	ctx = context.WithoutCancel(ctx)
	former, err := s.resolve(ctx, inv)
	if err != nil {
		return Invitation{}, err
	}
	inv, channel, err := s.begin(ctx, d, former)
	if err != nil {
		return Invitation{}, err
	}
	acceptedAt := s.now()
	outcome := s.ask(ctx, EventPrePassword, inv)
	if outcome == nil {
		outcome = s.handOver(ctx, inv, password, channel == ChannelEmail, acceptedAt)
	}
	return s.finish(ctx, inv, acceptedAt, outcome)
}

// identifiers are all that a password must not resemble.
func (i Invitation) identifiers() []string { return append([]string{i.Email}, i.Identifiers...) }

// begin claims the invitation of a token, in place of the claim former, and says
// how that token travelled.
func (s *Service) begin(ctx context.Context, d Digest, former uuid.UUID) (inv Invitation, channel Channel, err error) {
	id, now := uuid.New(), s.instant()
	s.claims.take(id, now.add(s.lease()))
	err = s.update(ctx, func(tx Tx) (err error) {
		if inv, channel, err = usable(tx, d, now.wall); err != nil {
			return err
		}
		if inv, err = inv.Begin(id, former, now.wall, s.lease()); err != nil {
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

// handOver writes what makes the identity the invitee's, for no longer than the
// claim allows.
func (s *Service) handOver(ctx context.Context, inv Invitation, password string, verify bool, at time.Time) error {
	claim, ok := s.claims.find(inv.Claim.ID)
	left := s.instant().left(claim.until) - leaseMargin
	if !ok || left <= 0 {
		return notDone("activate", "the lease of the claim ended before")
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, s.config.IdentityBudget))
	defer cancel()
	w := writer{service: s, identity: inv.IdentityID, question: inv.question(), lease: claim.until.add(-leaseMargin), begin: s.claimed(inv)}
	if inv.Origin == OriginReactivated {
		if err := s.clean(ctx, w, inv); err != nil {
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
		if err := s.config.Passwords.CheckSimilar(i.Identifiers, password); err != nil {
			return nil, err
		}
		return WriteActive{Mark: Mark{InvitationID: inv.ID, AcceptedAt: at, Origin: inv.Origin}, Password: password}, nil
	})
}

// question is what judge is asked of the identity of an invitation that exists.
func (i Invitation) question() question {
	return question{
		invitation: i.ID, email: i.Email, baseline: i.Baseline, cleaned: !i.CleaningBeganAt.IsZero(),
		existing: i.Origin != OriginCreated, maker: i.ID, addresses: i.Addresses,
	}
}

// claimed gives the begin of a writer for a claim: the claim is still held, and
// no revocation was requested.
func (s *Service) claimed(inv Invitation) func(context.Context, Identity, Write) error {
	return func(ctx context.Context, i Identity, w Write) error {
		if err := s.acceptable(ctx, i, inv.Email); err != nil {
			return err
		}
		now := s.now()
		return s.update(ctx, func(tx Tx) error {
			current, err := tx.Invitation(inv.ID)
			switch {
			case err != nil:
				return notFound(err)
			case !current.Holds(inv.Claim.ID):
				return lost(current)
			case !current.RevokeRequestedAt.IsZero():
				return ErrRevoked
			case !now.Before(current.Claim.Until):
				return ErrKratosAway.Because(notDone(w.Name(), "the lease of the claim ended before"))
			}
			if cleaned := current.noteCleaning(w, i, now); cleaned != nil {
				return tx.PutInvitation(*cleaned)
			}
			return nil
		})
	}
}

// finish commits what came of a claim, if it is still held, and gives the
// answer for the caller.
func (s *Service) finish(ctx context.Context, claimed Invitation, acceptedAt time.Time, outcome error) (Invitation, error) {
	now := s.instant()
	change, answer := ending(acceptedAt, now.wall, outcome)
	var inv Invitation
	ends := s.tellEnd()
	err := s.update(ctx, func(tx Tx) error {
		before, err := tx.Invitation(claimed.ID)
		if err != nil {
			return err
		}
		if !before.Holds(claimed.Claim.ID) {
			return lost(before)
		}
		inv = change(before)
		return ends.change(tx, before, inv, now.wall)
	})
	s.wake(ends.accepted, ends.revoked)
	switch {
	case err != nil:
		// Nothing of the answer was kept, so it would be no promise. The claim
		// is settled by reading.
		s.claims.unsettle(claimed.Claim.ID, now)
		return Invitation{}, errors.Join(notFound(err), answer)
	case inv.Claim != nil:
		s.claims.unsettle(claimed.Claim.ID, now)
	default:
		s.claims.drop(claimed.Claim.ID)
	}
	if answer != nil {
		if inv.State == StateRevoked && !inv.RevokeRequestedAt.IsZero() {
			answer = ErrRevoked.Because(answer)
		}
		return Invitation{}, answer
	}
	return inv, nil
}

// ending says what the outcome of an acceptance makes of the invitation, and
// what the caller is answered.
func ending(acceptedAt, now time.Time, outcome error) (change func(Invitation) Invitation, answer error) {
	release := func(i Invitation) Invitation { return i.Release(now) }
	unsettle := func(i Invitation) Invitation { return i.Unsettle(now) }
	gone := func(i Invitation) Invitation { return i.Close(ReasonGone, now) }
	var e *IdentityError
	var ours *Error
	var refused refusal
	switch {
	case outcome == nil:
		return func(i Invitation) Invitation { return i.Accept(acceptedAt) }, nil
	case errors.As(outcome, &refused):
		change = func(i Invitation) Invitation { return i.Settle(refused.verdict, refused.identity.Mark, now) }
		if refused.verdict == verdictAccepted { // by a request whose answer was lost
			return change, ErrAccepted.Because(outcome)
		}
		return change, ErrRevoked.Because(outcome)
	case errors.Is(outcome, ErrIdentityNotFound):
		return gone, ErrRevoked.Because(outcome)
	case errors.As(outcome, &ours): // a hook's, or before the write: Kratos was not asked
		return release, outcome
	case !errors.As(outcome, &e):
		return unsettle, ErrInternal.Because(outcome)
	case e.Outcome == OutcomeUnknown:
		return unsettle, ErrKratosAway.Reasonf("Kratos did not respond, so it is not known yet whether the password was set. Try again with the same link: that is safe.").Because(outcome)
	case e.Outcome == OutcomeNotDone:
		return release, ErrKratosAway.Because(outcome)
	default:
		return release, ErrKratosRejected.Because(outcome)
	}
}

// lost explains why a claim is no longer held: its lease ended, and somebody
// else went on.
func lost(inv Invitation) error {
	switch inv.State {
	case StateAccepted:
		return ErrAccepted
	case StateRevoked:
		return ErrRevoked
	case StateExpired:
		return ErrExpired
	default:
		return ErrAcceptInProgress.After(settleDelay)
	}
}
