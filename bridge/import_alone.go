package bridge

import (
	"bytes"
	"context"
	"errors"

	"github.com/google/uuid"
)

// inviteRow invites the address of one row as Invite does, under the id of the row. The
// invitation and the result of the row are stored together.
func (s *Service) inviteRow(ctx context.Context, g *claimedGroup, w *rowWork) {
	if w.draft == nil && !s.draftAlone(ctx, g, w) {
		return
	}
	d := w.draft
	if g.tries >= maxBatchTries { // each creation may fail for a reason that a look-up explains
		if err := s.findIdentity(ctx, d); err != nil {
			s.settleRow(w, err)
			return
		}
	}
	d.begin = func(tx Tx) error { _, err := g.stored(tx); return err }
	d.store = func(tx Tx, inv Invitation) error { return s.storeRow(tx, g, w, inv) }
	_, err := s.inviteNew(ctx, d)
	switch {
	case err == nil:
		w.stored = true
	case errors.Is(err, ErrPendingExists):
		s.settlePending(ctx, w)
	default:
		s.settleRow(w, err)
	}
}

// draftAlone drafts a row that names an identity, which is read for that. It returns false
// if the row is settled.
func (s *Service) draftAlone(ctx context.Context, g *claimedGroup, w *rowWork) bool {
	d, err := s.draft(ctx, w.request)
	if err != nil {
		s.settleRow(w, err)
		return false
	}
	w.drafted(g, d)
	if err := s.judgeRows(ctx, g, []*rowWork{w}); err != nil {
		s.settleRow(w, err)
	}
	return !w.settled()
}

// settlePending settles a row whose address or identity has a pending invitation, which
// may be of another schema than that of new identities.
func (s *Service) settlePending(ctx context.Context, w *rowWork) {
	d := w.draft
	inv, err := s.findPending(ctx, d.email, s.schemaOf(d))
	switch {
	case errors.Is(err, ErrRowNotFound):
		w.waits = DependencyRequest // it has just ended
	case err != nil:
		s.settleRow(w, err)
	case d.SchemaID != "" && d.SchemaID != inv.SchemaID:
		s.settleRow(w, errDiffers(d, "schema_id"))
	default:
		w.finish(ResultAlreadyPending, inv.ID)
	}
}

// stored reads the import of a group. Updates that also use invitations call it first, as
// a store locks imports before invitations.
//
// Errors: errGroupLost.
func (g *claimedGroup) stored(tx Tx) (Import, error) {
	i, err := tx.Import(g.imp.ID)
	if err == nil && !i.holds(g.claim) || errors.Is(err, ErrRowNotFound) {
		err = errGroupLost
	}
	return i, err
}

// storeRow stores the result of a row with the update that inserts its invitation.
func (s *Service) storeRow(tx Tx, g *claimedGroup, w *rowWork, inv Invitation) error {
	i, err := g.stored(tx)
	if err != nil {
		return err
	}
	result := ResultAdopted
	if inv.Origin == OriginCreated {
		result = ResultInvited
	}
	w.finish(result, inv.ID)
	i.Counts.add(result)
	if err := tx.PutImportRows(i.ID, w.row); err != nil {
		return err
	}
	return tx.PutImport(i)
}

// deleteUnusable deletes an identity that was just created for a row, and that its invitee
// could not use.
func (s *Service) deleteUnusable(ctx context.Context, inv Invitation) error {
	held, err := s.lockBoth(ctx, inv)
	if err != nil {
		return err
	}
	defer held.release(ctx)
	return s.deleteCreated(ctx, held, inv)
}

// compareIDs orders ids by creation.
func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
