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
	if err == nil && s.config.Count != nil {
		s.config.Count(Tally{Opened: 1})
	}
	return inv, err
}

// Locale gives that of the invitation of a token, dead or alive; empty: it has
// none, or there is no such invitation.
func (s *Service) Locale(ctx context.Context, token string) string {
	inv, _, err := s.byToken(ctx, token)
	if err != nil {
		return ""
	}
	return inv.Locale
}

// open looks a token up and checks that it can be used. A malformed one is
// looked up too, so that it takes as long as an unknown one.
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
	if err != nil {
		return Invitation{}, d, err
	}
	return inv, d, nil
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
// ErrHookRefused, ErrHookUnavailable; ErrAcceptInProgress; ErrIdentityActive if
// it became so by another road; ErrKratosRejected, ErrKratosAway, ErrStoreAway.
// The token stays good after any of them that does not say otherwise. After ErrKratosAway nobody may know
// yet whether the password was set: trying again with the token is safe, and
// so is not to, for the sweep settles it.
func (s *Service) Accept(ctx context.Context, token, password string) (Invitation, error) {
	inv, d, err := s.open(ctx, token)
	if err != nil {
		return Invitation{}, err
	}
	if err := s.config.Passwords.Check(ctx, inv.Email, password); err != nil {
		return Invitation{}, err
	}
	// From here on, a caller who goes away must not leave things half done.
	ctx = context.WithoutCancel(ctx)
	inv, channel, err := s.begin(ctx, d)
	if err != nil {
		return Invitation{}, err
	}
	activation := Activation{
		InvitationID: inv.ID, Email: inv.Email, Password: password, AcceptedAt: s.now(),
		Repeat: inv.Claim.Inherited, VerifyEmail: channel == ChannelEmail,
	}
	outcome := s.ask(ctx, EventPrePassword, inv)
	if outcome == nil {
		outcome = s.activate(ctx, inv, activation)
	}
	return s.finish(ctx, inv, activation.AcceptedAt, outcome)
}

// activate asks Identities, for no longer than the claim allows: a commit that
// took long has used up some of the lease.
func (s *Service) activate(ctx context.Context, inv Invitation, a Activation) error {
	left := inv.Claim.Until.Add(-leaseMargin).Sub(s.now())
	if left <= 0 {
		return &IdentityError{Outcome: OutcomeNotDone, Op: "activate", Reason: "the lease of the claim was used up before"}
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, s.config.IdentityBudget))
	defer cancel()
	return s.identities.Activate(ctx, inv.IdentityID, a)
}

// begin claims the invitation of a token, and says how that token travelled.
func (s *Service) begin(ctx context.Context, d Digest) (inv Invitation, channel Channel, err error) {
	id, now := uuid.New(), s.now()
	err = s.update(ctx, func(tx Tx) (err error) {
		if inv, channel, err = usable(tx, d, now); err != nil {
			return err
		}
		if inv, err = inv.Begin(id, now, s.lease()); err != nil {
			return err
		}
		return tx.PutInvitation(inv)
	})
	return inv, channel, err
}

// finish commits what came of a claim, if it is still held, and gives the
// answer for the caller.
func (s *Service) finish(ctx context.Context, claimed Invitation, acceptedAt time.Time, outcome error) (Invitation, error) {
	now := s.now()
	change, answer := judge(claimed, acceptedAt, now, outcome)
	var inv Invitation
	ended := s.tellEnd()
	err := s.update(ctx, func(tx Tx) error {
		before, err := tx.Invitation(claimed.ID)
		if err != nil {
			return err
		}
		if !before.Holds(claimed.Claim.ID) {
			return lost(before)
		}
		inv = change(before)
		return ended.change(tx, before, inv, now)
	})
	s.wake(ended.accepted, ended.revoked)
	if err != nil {
		// Nothing of the answer was kept, so it would be no promise. The claim
		// lapses, and the sweep settles it.
		return Invitation{}, errors.Join(notFound(err), answer)
	}
	if answer != nil {
		return Invitation{}, answer
	}
	return inv, nil
}

// judge says what the outcome of an activation makes of the invitation, and
// what the caller is told.
func judge(claimed Invitation, acceptedAt, now time.Time, outcome error) (change func(Invitation) Invitation, answer error) {
	release := func(i Invitation) Invitation { return i.Release() }
	unsettle := func(i Invitation) Invitation { return i.Unsettle(now) }
	revoke := func(i Invitation) Invitation { return i.Close(now) }
	if claimed.Claim.Inherited {
		release = unsettle // the request before ours may have had its effect
	}
	var e *IdentityError
	var refusal *Error
	switch {
	case outcome == nil:
		return func(i Invitation) Invitation { return i.Accept(acceptedAt) }, nil
	case errors.Is(outcome, ErrIdentityNotFound):
		return revoke, ErrRevoked.Because(outcome)
	case errors.Is(outcome, ErrIdentityAccepted): // by a request that was given up for lost
		return func(i Invitation) Invitation { return i.Accept(acceptedAt) }, ErrAccepted.Because(outcome)
	case errors.Is(outcome, ErrIdentityIsActive):
		return revoke, ErrIdentityActive.Because(outcome)
	case errors.As(outcome, &refusal): // a hook's: Kratos was not asked
		return release, outcome
	case !errors.As(outcome, &e):
		return unsettle, ErrInternal.Because(outcome)
	case e.Outcome == OutcomeUnknown:
		return unsettle, ErrKratosAway.Reasonf("Kratos gave no answer, so it is not known yet whether the password was set. Try again with the same link: that is safe.").Because(outcome)
	case e.Outcome == OutcomeNotDone:
		return release, ErrKratosAway.Because(outcome)
	default:
		return release, ErrKratosRejected.Because(outcome)
	}
}

// ending prepares for both ends that a claim can come to.
type ending struct{ accepted, revoked telling }

func (s *Service) tellEnd() ending {
	return ending{accepted: s.tell(EventPostPassword), revoked: s.tell(EventInvitationRevoked)}
}

func (e ending) change(tx Tx, before, after Invitation, now time.Time) error {
	if after.State == StateAccepted {
		return e.accepted.change(tx, before, after, now)
	}
	return e.revoked.change(tx, before, after, now)
}

// lost explains why a claim is no longer held: its lease ran out, and somebody
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
