package bridge

import (
	"context"
	"time"
)

// handOver makes the identity the invitee's: it removes old credentials, verifies
// the address, sets the password, if there is one, and activates. It ends with the
// claim's lease.
func (s *Service) handOver(ctx context.Context, inv Invitation, p AcceptParams, verify bool, at time.Time) error {
	claim, ok := s.claims.find(inv.Claim.ID)
	left := s.instant().left(claim.until) - leaseMargin
	if !ok || left <= 0 {
		return notApplied("activate", "the lease of the claim ended before")
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, s.config.IdentityTimeout))
	defer cancel()
	w := writer{service: s, identity: inv.IdentityID, question: inv.question(), lease: claim.until.add(-leaseMargin), begin: s.beginForClaim(inv, p.Method)}
	if inv.Origin == OriginReactivated {
		if err := s.removeCredentials(ctx, w, inv); err != nil {
			return err
		}
		w.question.cleaned = true
	}
	if p.Method == AcceptKratos {
		return activateOnly(ctx, w, inv, verify, at)
	}
	return s.activateWithPassword(ctx, w, inv, p.Password, verify, at)
}

func (s *Service) activateWithPassword(ctx context.Context, w writer, inv Invitation, password string, verify bool, at time.Time) error {
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
		return WriteActive{Mark: inv.acceptanceMark(at, ""), Password: password}, nil
	})
}

func activateOnly(ctx context.Context, w writer, inv Invitation, verify bool, at time.Time) error {
	return w.write(ctx, func(i Identity) (Write, error) {
		write := WriteActiveOnly{Mark: inv.acceptanceMark(at, AcceptKratos)}
		if verify && i.EmailIndex >= 0 && !i.EmailVerified {
			write.VerifiedAt = at
		}
		return write, nil
	})
}

func (i Invitation) acceptanceMark(at time.Time, method AcceptMethod) Mark {
	return Mark{InvitationID: i.ID, AcceptedAt: at, Origin: i.Origin, Method: method}
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
func (s *Service) beginForClaim(inv Invitation, method AcceptMethod) func(context.Context, Identity, Write) error {
	return func(ctx context.Context, i Identity, w Write) error {
		if err := s.checkAcceptable(ctx, i, inv.Email, method); err != nil {
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
