package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Forgotten is what was forgotten of a person. The JSON names are those of the API.
type Forgotten struct {
	ForgottenInvitation
	// Others are the other invitations of the same address, the newest first.
	Others []ForgottenInvitation `json:"other_invitations,omitempty"`
	// ImportRows is the number of rows of imports that were emptied.
	ImportRows int `json:"import_rows"`
}

// ForgottenInvitation is an invitation that is no longer stored.
type ForgottenInvitation struct {
	ID         uuid.UUID      `json:"id"`
	IdentityID uuid.UUID      `json:"identity_id"`
	Identity   IdentityResult `json:"identity"`
}

// IdentityResult is what became of the identity of a forgotten invitation.
type IdentityResult string

// The results.
const (
	IdentityDeleted IdentityResult = "deleted"
	IdentityKept    IdentityResult = "kept" // it is, or may be, somebody's account, or the bridge did not create it
	IdentityNone    IdentityResult = "none" // it no longer existed
)

// Forget removes a person from the store: all invitations of the address of the
// invitation id, in any state, with their tokens and messages, and what imports hold
// about the address. It deletes the identities that the bridge created for them and that
// were never used, whatever [Config].Unaccepted is; all others are kept.
//
// It first ends the invitations, so that no token is valid, then deletes identities, and
// at last removes all rows in one update. After an error or a crash in between, a
// repetition continues; the invitation id is removed with the last step.
//
// Errors: ErrNotFound; ErrAcceptInProgress during an acceptance, or while a write with
// an unknown outcome may still take effect; ErrIdentityConflict if the address is being
// invited, by another request or by an import; ErrKratosUnavailable, ErrKratosRejected;
// ErrStoreUnavailable. With all but ErrNotFound the invitation may have been ended.
func (s *Service) Forget(ctx context.Context, id uuid.UUID) (Forgotten, error) {
	inv, err := s.Get(ctx, id)
	if err == nil {
		inv, err = s.endToForget(ctx, inv)
	}
	if err != nil {
		return Forgotten{}, err
	}
	f, err := s.forgetAddress(context.WithoutCancel(ctx), inv) // what has begun is finished, whether or not the caller waits
	if err != nil {
		return Forgotten{}, callerError(err)
	}
	_ = s.scrub(ctx, scrubInRequest) // the sweep tries again
	return f, nil
}

// forgetAddress forgets an invitation that has ended, and all others of its address. The
// lock keeps others from inviting the address meanwhile.
func (s *Service) forgetAddress(ctx context.Context, named Invitation) (f Forgotten, err error) {
	held, err := s.lockEmail(ctx, named.Email)
	if err != nil {
		return f, err
	}
	defer held.release(ctx)
	list, err := s.endAll(ctx, named)
	if err != nil {
		return f, err
	}
	rows, err := s.rowsAbout(ctx, list)
	if err != nil {
		return f, err
	}
	results, err := s.forgetIdentities(ctx, held, list)
	if err != nil {
		return f, err
	}
	if err := held.renew(ctx); err != nil { // the search in imports may have taken long
		return f, err
	}
	if f.ImportRows, err = s.removeAll(ctx, held, list, rows); err != nil {
		return f, err
	}
	f.ForgottenInvitation, f.Others = results[0], results[1:]
	return f, nil
}

// endAll ends all invitations of an address. It returns them, named first and then the
// newest first.
func (s *Service) endAll(ctx context.Context, named Invitation) ([]Invitation, error) {
	list := []Invitation{named}
	q := InvitationQuery{Email: named.Email, Limit: 500}
	for {
		var page []Invitation
		err := s.view(ctx, func(tx Tx) (err error) {
			page, err = tx.ListInvitations(q)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, inv := range page {
			if q.Before = inv.ID; inv.ID == named.ID {
				continue
			}
			if inv, err = s.endToForget(ctx, inv); err != nil {
				return nil, err
			}
			list = append(list, inv)
		}
		if len(page) < q.Limit {
			return list, nil
		}
	}
}

// endToForget ends an invitation, unless it was accepted.
//
// Errors: ErrAcceptInProgress, see [Service.Forget]; ErrStoreUnavailable.
func (s *Service) endToForget(ctx context.Context, inv Invitation) (Invitation, error) {
	if inv.State != StateAccepted {
		ended, err := s.Revoke(ctx, inv.ID)
		if errors.Is(err, ErrAccepted) {
			ended, err = s.Get(ctx, inv.ID)
		}
		if inv = ended; err != nil {
			return inv, err
		}
	}
	return inv, inv.checkForgettable(s.now())
}

// checkForgettable returns ErrAcceptInProgress unless the invitation has ended and no
// write to its identity may still take effect.
func (i Invitation) checkForgettable(now time.Time) error {
	switch {
	case i.State == StateAccepted:
		return nil
	case i.State == StatePending || i.Claim != nil:
		return ErrAcceptInProgress.WithReasonf("The invitation is being accepted right now. It is revoked unless that succeeds, and nothing was removed yet. Try again in a moment.").WithRetryAfter(lateWriteGrace)
	case now.Before(i.UnresolvedUntil):
		return ErrAcceptInProgress.WithReasonf("The invitation is revoked, but not removed: an acceptance whose outcome is unknown may still take effect. Try again later.").WithRetryAfter(i.UnresolvedUntil.Sub(now))
	}
	return nil
}

// removeAll removes ended invitations with all that belongs to them, and empties rows of
// imports, in one update. It returns the number of these rows.
func (s *Service) removeAll(ctx context.Context, held *hold, list []Invitation, rows map[uuid.UUID][]int) (emptied int, err error) {
	imports := make([]uuid.UUID, 0, len(rows))
	for id := range rows {
		imports = append(imports, id)
	}
	slices.SortFunc(imports, compareIDs)
	ids := idsOf(list)
	slices.SortFunc(ids, compareIDs)
	now := s.now()
	s.deletions.made.Add(1) // also before, so that no panic skips it
	defer s.deletions.made.Add(1)
	err = s.update(ctx, func(tx Tx) error {
		emptied = 0
		// The list first: on a store for several processes it excludes others.
		if err := nothingSince(tx, list); err != nil {
			return err
		}
		if err := held.check(tx, now); err != nil {
			return err
		}
		for _, id := range imports { // before the invitations: all updates lock in this order
			n, err := emptyRows(tx, id, rows[id])
			if err != nil {
				return err
			}
			emptied += n
		}
		current, err := tx.Invitations(ids...)
		if err != nil {
			return err
		}
		for _, inv := range current {
			err := inv.checkForgettable(now)
			if err == nil {
				err = tx.DeleteInvitation(inv.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return emptied, err
}

// nothingSince returns an error unless all invitations of an address are in the list: an
// import may have invited it since.
func nothingSince(tx Tx, list []Invitation) error {
	current, err := tx.ListInvitations(InvitationQuery{Email: list[0].Email, Limit: len(list) + 1})
	for _, inv := range current {
		if !slices.ContainsFunc(list, func(i Invitation) bool { return i.ID == inv.ID }) {
			return ErrIdentityConflict.WithReasonf("The address has just been invited again. Repeat the request.").WithRetryAfter(lateWriteGrace)
		}
	}
	return err
}
