package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Look reads the invitation that a token opens, and changes nothing. With
// ErrExpired, ErrRevoked and ErrAccepted no invitation is given. ErrNotFound
// for unknown and malformed tokens alike.
func (s *Service) Look(ctx context.Context, token string) (Invitation, error) {
	inv, _, err := s.open(ctx, token)
	return inv, err
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
		inv, err = usable(tx, d, now)
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

func usable(tx Tx, d Digest, now time.Time) (Invitation, error) {
	inv, record, err := tx.InvitationByToken(d)
	if errors.Is(err, ErrMissing) {
		return inv, ErrNotFound
	} else if err != nil {
		return inv, err
	}
	return inv, inv.UsableBy(record, now)
}

// Accept sets the password and activates the identity. One caller wins,
// however many there are.
//
// ErrNotFound, ErrExpired, ErrRevoked, ErrAccepted; ErrPasswordPolicy;
// ErrAcceptInProgress; ErrIdentityActive if it became so by another road;
// ErrKratosRejected, ErrKratosAway, ErrStoreAway. The token stays good after
// any of them that does not say otherwise. After ErrKratosAway nobody may know
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
	inv, err = s.begin(context.WithoutCancel(ctx), d)
	if err != nil {
		return Invitation{}, err
	}
	activation := Activation{InvitationID: inv.ID, AcceptedAt: s.now(), Password: password}
	asking, cancel := s.detached(ctx)
	defer cancel()
	outcome := s.identities.Activate(asking, inv.IdentityID, activation)
	return s.finish(context.WithoutCancel(ctx), inv, activation.AcceptedAt, outcome)
}

// begin claims the invitation of a token.
func (s *Service) begin(ctx context.Context, d Digest) (Invitation, error) {
	var inv Invitation
	id, now := uuid.New(), s.now()
	err := s.update(ctx, func(tx Tx) (err error) {
		if inv, err = usable(tx, d, now); err != nil {
			return err
		}
		if inv, err = inv.Begin(id, now, s.lease()); err != nil {
			return err
		}
		return tx.PutInvitation(inv)
	})
	return inv, err
}

// finish commits what came of a claim, if it is still held, and gives the
// answer for the caller.
func (s *Service) finish(ctx context.Context, claimed Invitation, acceptedAt time.Time, outcome error) (Invitation, error) {
	now := s.now()
	change, answer := judge(claimed, acceptedAt, now, outcome)
	var inv Invitation
	err := s.update(ctx, func(tx Tx) (err error) {
		if inv, err = tx.Invitation(claimed.ID); err != nil {
			return err
		}
		if !inv.Holds(claimed.Claim.ID) {
			return lost(inv)
		}
		inv = change(inv)
		return tx.PutInvitation(inv)
	})
	switch {
	case answer != nil && err != nil:
		// The caller learns what Kratos said; that the store failed too is for
		// the log. The claim lapses, and the sweep settles it.
		return Invitation{}, errors.Join(answer, err)
	case err != nil:
		return Invitation{}, notFound(err)
	case answer != nil:
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
	switch {
	case outcome == nil:
		return func(i Invitation) Invitation { return i.Accept(acceptedAt) }, nil
	case errors.Is(outcome, ErrIdentityNotFound):
		return revoke, ErrRevoked.Because(outcome)
	case errors.Is(outcome, ErrIdentityIsActive):
		return revoke, ErrIdentityActive.Because(outcome)
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
