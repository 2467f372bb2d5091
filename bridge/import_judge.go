package bridge

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
)

// judgeRows settles the rows whose address has a pending invitation, or one that ended
// in a way that excludes the address.
func (s *Service) judgeRows(ctx context.Context, g *claimedGroup, work []*rowWork) error {
	var emails []string
	for _, w := range work {
		if !w.settled() && w.draft != nil {
			emails = append(emails, w.draft.email)
		}
	}
	if len(emails) == 0 {
		return nil
	}
	var found []Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		found, err = tx.InvitationsOf(emails...)
		return err
	})
	if err != nil {
		return err
	}
	former := make(map[string][]Invitation, len(found))
	for _, inv := range found {
		former[inv.Email] = append(former[inv.Email], inv)
	}
	for _, w := range work {
		if !w.settled() && w.draft != nil {
			s.judgeRow(g, w, former[w.draft.email])
		}
	}
	return nil
}

// judgeRow settles a row by the newest invitation of its address and the pending ones.
func (s *Service) judgeRow(g *claimedGroup, w *rowWork, former []Invitation) {
	var newest Invitation
	for _, inv := range former {
		if inv.ID == w.row.InvitationID { // committed, and the response was lost
			w.finish(ResultInvited, inv.ID)
			return
		}
		if inv.State == StatePending && inv.SchemaID == s.schemaOf(w.draft) {
			s.judgePending(w, inv)
		}
		if newest.ID == uuid.Nil || compareIDs(newest.ID, inv.ID) < 0 {
			newest = inv
		}
	}
	if w.settled() || newest.ID == uuid.Nil {
		return
	}
	newest = s.withExpiryApplied(newest)
	if slices.Contains(g.imp.Reinvite, newest.State) {
		return
	}
	switch newest.State {
	case StateRevoked:
		w.finish(ResultSkippedRevoked, newest.ID)
	case StateExpired:
		w.finish(ResultSkippedExpired, newest.ID)
	case StatePending, StateAccepted:
	}
}

// judgePending settles a row whose address has a pending invitation. One that is past its
// expiry, and that the sweep has not reached, leaves the row to be processed alone.
func (s *Service) judgePending(w *rowWork, inv Invitation) {
	switch err := inv.CheckUsable(s.now()); {
	case err == nil:
		w.finish(ResultAlreadyPending, inv.ID)
	case inv.Claim != nil:
		w.waits = DependencyRequest
	default:
		w.alone = true
	}
}

// dryRun gives a row the result that it would have. It reads the identity, and writes
// nothing.
func (s *Service) dryRun(ctx context.Context, g *claimedGroup, w *rowWork) {
	ctx, cancel := s.detachedContext(ctx)
	defer cancel()
	if w.draft == nil && !s.draftAlone(ctx, g, w) {
		return
	}
	if err := s.wouldAdopt(ctx, w); err != nil {
		s.settleRow(w, err)
	}
	if w.row.Result != "" {
		w.row.InvitationID = uuid.Nil
	}
}

func (s *Service) wouldAdopt(ctx context.Context, w *rowWork) error {
	d := w.draft
	if err := s.findIdentity(ctx, d); err != nil {
		return err
	}
	if d.identity == nil {
		w.finish(ResultInvited, uuid.Nil)
		return nil
	}
	former, pending, err := s.formerOf(ctx, d.identity.ID)
	if err == nil && pending.ID != uuid.Nil && pending.Email == d.email && (d.SchemaID == "" || d.SchemaID == pending.SchemaID) {
		w.finish(ResultAlreadyPending, pending.ID)
		return nil
	}
	if err == nil && pending.ID != uuid.Nil {
		return errPendingElsewhere(d, pending)
	}
	if err == nil {
		_, _, err = s.examine(ctx, d.identity.ID, d, former)
	}
	if err == nil {
		w.finish(ResultAdopted, uuid.Nil)
	}
	return err
}

// findIdentity sets the identity of a draft, if one with its address exists.
//
// Errors: those of an invite about an identity that conflicts.
func (s *Service) findIdentity(ctx context.Context, d *draft) error {
	if d.identity != nil {
		return nil
	}
	i, taken, err := s.find(ctx, d)
	switch {
	case errors.Is(err, ErrIdentityNotFound) && len(taken) == 0:
		return nil
	case errors.Is(err, ErrIdentityNotFound):
		return errTaken(taken)
	case err != nil:
		return callerIdentityError(err)
	}
	d.identity = &i
	return nil
}
