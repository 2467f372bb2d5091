package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
)

// rowConcurrency bounds the rows of a group that are processed one by one at a time.
const rowConcurrency = 8

// maxBatchTries is how often a group is sent in one batch: a single row at which Kratos
// fails makes the outcome of all unknown. Then each row is invited alone.
const maxBatchTries = 2

// rowWork is a row while its group is processed. It is settled when it has a result, or
// waits for a dependency.
type rowWork struct {
	row     ImportRow
	request InviteRequest
	draft   *draft     // nil: the row names an identity, which is not read yet
	inv     Invitation // to be inserted; ID zero: none
	created notification
	waits   Dependency // the row has no result because of it
	alone   bool       // the row is processed by itself
	stored  bool       // the result is in the store
}

func (w *rowWork) settled() bool { return w.row.Result != "" || w.waits != "" }

func (w *rowWork) finish(r ImportResult, invitation uuid.UUID) {
	w.row.Result, w.row.InvitationID = r, invitation
}

// processGroup gives the rows of a group their results, as far as nothing is unavailable.
//
// Errors: ErrStoreUnavailable; the group is claimed again when its lease ends.
func (s *Service) processGroup(ctx context.Context, g *claimedGroup) error {
	work := make([]*rowWork, len(g.rows))
	for n, row := range g.rows {
		work[n] = &rowWork{row: row}
	}
	if g.tries > 0 && s.identities.Ping(ctx) != nil {
		for _, w := range work {
			w.waits = DependencyKratos
		}
		g.outage = true
		return s.finishGroup(ctx, g, work)
	}
	s.draftRows(ctx, g, work)
	if err := s.judgeRows(ctx, g, work); err != nil {
		return err
	}
	if g.imp.DryRun {
		s.eachAlone(g, work, func(*rowWork) bool { return true }, func(w *rowWork) { s.dryRun(ctx, g, w) })
		return s.finishGroup(ctx, g, work)
	}
	if s.config.Hooks != nil {
		s.eachAlone(g, work, func(w *rowWork) bool { return !w.alone }, func(w *rowWork) { s.askAboutRow(ctx, w) })
	}
	state, err := s.checkClaim(ctx, g)
	switch {
	case errors.Is(err, errGroupLost):
		return nil
	case err != nil:
		return err
	case state == ImportCanceling:
		for _, w := range work {
			if !w.settled() {
				w.waits = DependencyRequest
			}
		}
	default:
		s.createRows(ctx, work)
		s.eachAlone(g, work, func(w *rowWork) bool { return w.alone }, func(w *rowWork) { s.inviteRow(ctx, g, w) })
	}
	return s.finishGroup(ctx, g, work)
}

// draftRows parses the rows, and drafts those that name no identity.
func (s *Service) draftRows(ctx context.Context, g *claimedGroup, work []*rowWork) {
	var unavailable Dependency
	for _, w := range work {
		var err error
		if w.request, err = s.config.ParseInvite(g.imp.Defaults, w.row.Body); err != nil {
			s.settleRow(w, err)
			continue
		}
		if w.alone = w.request.IdentityID != uuid.Nil; w.alone {
			continue
		}
		if w.waits = unavailable; unavailable != "" {
			continue // each look-up of the schema may take as long as the first
		}
		d, err := s.draft(ctx, w.request)
		if err != nil {
			s.settleRow(w, err)
			unavailable = w.waits
			continue
		}
		w.drafted(g, d)
	}
}

func (w *rowWork) drafted(g *claimedGroup, d *draft) {
	d.invitationID, d.importID, d.CreatedBy = w.row.InvitationID, g.imp.ID, ByKey(g.imp.CreatedBy)
	w.draft, w.alone = d, d.identity != nil || g.tries >= maxBatchTries
}

// eachAlone calls do for the rows that have no result yet and match, some at a time. Rows
// that would be begun in the second half of the lease wait for the next claim instead.
func (s *Service) eachAlone(g *claimedGroup, work []*rowWork, match func(*rowWork) bool, do func(*rowWork)) {
	var running sync.WaitGroup
	slots := make(chan struct{}, rowConcurrency)
	for _, w := range work {
		if w.settled() || !match(w) {
			continue
		}
		slots <- struct{}{}
		if s.late(g) {
			<-slots
			w.waits = DependencyRequest
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			do(w)
		})
	}
	running.Wait()
}

// late reports whether the lease of a group is half over, by any clock.
func (s *Service) late(g *claimedGroup) bool {
	return s.config.Monotonic()-g.since > groupLease/2 || s.now().Sub(g.at) > groupLease/2
}

// checkClaim checks that this process still has a group, before it writes to the identity
// system: it may have been suspended. It returns the state of the import at that time.
//
// Errors: errGroupLost.
func (s *Service) checkClaim(ctx context.Context, g *claimedGroup) (state ImportState, err error) {
	err = s.view(ctx, func(tx Tx) error {
		i, err := g.stored(tx)
		state = i.State
		return err
	})
	if err == nil && s.now().Sub(g.at) >= groupLease-leaseMargin {
		err = errGroupLost
	}
	return state, err
}

func (s *Service) askAboutRow(ctx context.Context, w *rowWork) {
	if err := s.callInvitationHooks(ctx, s.newInvitation(w.draft), w.draft); err != nil {
		s.settleRow(w, err)
	}
	w.draft.hooksAgreed = true
}

// createRows creates the identities of the rows in one batch. Those that exist, or whose
// input the identity system refuses, are left to be processed alone: so are addresses of
// which an expired invitation is still stored as pending.
func (s *Service) createRows(ctx context.Context, work []*rowWork) {
	var batch []*rowWork
	var params []IdentityParams
	for _, w := range work {
		if !w.settled() && !w.alone {
			batch = append(batch, w)
			params = append(params, s.identityParams(w.draft, w.row.InvitationID))
		}
	}
	if len(batch) == 0 {
		return
	}
	for n, result := range s.identities.CreateAll(ctx, params) {
		s.createdRow(ctx, batch[n], result)
	}
}

func (s *Service) createdRow(ctx context.Context, w *rowWork, created CreateResult) {
	var e *IdentityError
	switch err := created.Err; {
	case err == nil:
		i := inCreationZone(created.Identity)
		if judge(i, question{email: w.draft.email}) != verdictFree {
			w.alone = true // it may have been used before it was read: it is judged like any other
			return
		}
		inv := s.newInvitation(w.draft).withIdentity(i, OriginCreated)
		inv.Traits = s.messageTraits(i.Traits)
		if err := s.checkCanSignIn(ctx, i, w.draft.email); err != nil {
			s.settleRow(w, errors.Join(err, s.deleteUnusable(ctx, inv)))
			return
		}
		w.inv, w.created = inv, s.prepare(EventTokenCreated)
		w.finish(ResultInvited, inv.ID)
	case errors.Is(err, ErrIdentityExists), errors.As(err, &e) && e.Outcome == OutcomeInvalid:
		w.alone = true
	default:
		s.settleRow(w, identityError(err))
	}
}

// settleRow gives a row its result after an error. Only an error that is a verdict about
// the row fails it.
func (s *Service) settleRow(w *rowWork, err error) {
	var e *Error
	switch {
	case errors.Is(err, errGroupLost):
		w.waits = DependencyStore
	case !errors.As(err, &e) || e.Kind == KindInternal:
		w.waits = DependencyRepair
		s.warn("a row of an import failed in a way that needs attention", "line", w.row.Line, "invitation_id", w.row.InvitationID.String(), "cause", fmt.Sprint(err))
	case errors.Is(err, ErrHookUnavailable):
		w.waits = DependencyHook
	case errors.Is(err, ErrStoreUnavailable):
		w.waits = DependencyStore
	case e.Kind == KindUnavailable, e.Kind == KindRejected:
		w.waits = DependencyKratos
	case e.RetryAfter > 0:
		w.waits = DependencyRequest
	case errors.Is(err, ErrIdentityAlreadyActive):
		w.finish(ResultAlreadyActive, uuid.Nil)
	default:
		w.row = w.row.fail(err)
	}
}
