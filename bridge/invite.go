package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Invite creates an inactive identity and a pending invitation for it. If the
// email address has a pending invitation, that one is returned unchanged, with an
// additional token. An existing identity that was never used is adopted. After
// any error, retrying is safe.
//
// Errors: ErrBadRequest, ErrEmailInvalid, ErrTraitsInvalid,
// ErrReturnToNotAllowed, ErrExpiresInInvalid, ErrFieldNotSupported;
// ErrIdentityAlreadyActive; ErrInvitationExists, see [InviteRequest].NoToken;
// ErrTooManyPending, see [InviteRequest].MaxPending; ErrTooManyRequests, see Spaced;
// ErrIdentityDeactivated and ErrIdentityHasCredentials unless the request permits
// the reactivation; ErrIdentityConflict if the traits, metadata or ids in the
// request differ from those of the identity, if an identifier belongs to another
// identity, or if a former holder would keep access to the identity;
// ErrAcceptInProgress; ErrIdempotencyKeyReused; ErrHookRefused, ErrHookUnavailable;
// ErrKratosRejected, ErrKratosUnavailable, ErrStoreUnavailable.
func (s *Service) Invite(ctx context.Context, r InviteRequest) (IssuedInvitation, error) {
	defer s.interactive.begin(s.config.Monotonic)()
	verb := s.inviteOnce
	if r.Idempotent == (Digest{}) {
		verb = s.invite
	}
	issued, err := verb(ctx, r)
	if r.NoToken {
		err = forStranger(err)
	}
	return issued, err
}

func (s *Service) invite(ctx context.Context, r InviteRequest) (IssuedInvitation, error) {
	d, err := s.draft(ctx, r)
	if err != nil {
		return IssuedInvitation{}, err
	}
	// A pending invitation whose identity is gone is revoked on the way, and the
	// same may happen to one that is created in the meantime: retry a few times.
	for range 3 {
		inv, err := s.findPending(ctx, d.email, s.schemaOf(d))
		if errors.Is(err, ErrRowNotFound) {
			issued, err := s.inviteNew(ctx, d)
			if errors.Is(err, ErrPendingExists) {
				continue
			}
			return issued, err
		} else if err != nil {
			return IssuedInvitation{}, err
		}
		issued, err := s.inviteAgain(ctx, inv, d)
		if errors.Is(err, errInvitationChanged) {
			d.dropFound()
			continue
		}
		return issued, err
	}
	return IssuedInvitation{}, ErrIdentityConflict.WithReasonf("The invitation of this email address keeps changing. Try again.")
}

var errInvitationChanged = errors.New("the invitation has changed")

func (s *Service) schemaOf(d *draft) string {
	switch {
	case d.identity != nil:
		return d.identity.SchemaID
	case d.SchemaID != "":
		return d.SchemaID
	}
	return s.config.SchemaID
}

// findPending reads the usable invitation of an email address and schema.
//
// Errors: ErrRowNotFound; ErrAcceptInProgress if it is past its expiry and a
// claim is held.
func (s *Service) findPending(ctx context.Context, email, schemaID string) (Invitation, error) {
	var inv Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		inv, err = tx.PendingInvitation(email, schemaID)
		return err
	})
	if err == nil && inv.CheckUsable(s.now()) != nil {
		if err = ErrRowNotFound; inv.Claim != nil {
			err = ErrAcceptInProgress.WithRetryAfter(lateWriteGrace) // an additional token would be invalid
		}
	}
	return inv, err
}

// inviteNew creates or adopts the identity, and then creates the invitation.
//
// Errors: those of [Service.Invite]; ErrPendingExists if another caller won the
// race.
func (s *Service) inviteNew(ctx context.Context, d *draft) (IssuedInvitation, error) {
	// Without the lock, two concurrent callers would both create the identity, and
	// the loser could delete the identity of the winner.
	held, err := s.lockEmail(ctx, d.email)
	if err != nil {
		return IssuedInvitation{}, err
	}
	defer held.release(ctx)
	if _, err := s.findPending(ctx, d.email, s.schemaOf(d)); err == nil {
		return IssuedInvitation{}, ErrPendingExists
	} else if !errors.Is(err, ErrRowNotFound) {
		return IssuedInvitation{}, err
	}
	if err := s.checkMayInvite(ctx, d.CreatedBy, d.MaxPending); err != nil {
		return IssuedInvitation{}, err
	}
	if d.Spaced {
		if err := s.checkEmailCooldown(ctx, d.CreatedBy, d.email); err != nil {
			return IssuedInvitation{}, err
		}
	}
	inv := s.newInvitation(d)
	if err := s.callInvitationHooks(ctx, inv, d); err != nil {
		return IssuedInvitation{}, err
	}
	ctx, cancel := s.detachedContext(ctx)
	defer cancel()
	inv, made, err := s.createOrAdopt(ctx, held, inv, d)
	if err != nil && made {
		err = errors.Join(err, s.deleteCreated(ctx, held, inv))
	}
	if err != nil {
		return IssuedInvitation{}, err
	}
	now, expired := inv.CreatedAt, []notification{s.prepare(EventInvitationExpired), s.prepare(EventInvitationExpired)}
	put := func(tx Tx, inv Invitation) error {
		err := tx.InsertInvitation(inv)
		if errors.Is(err, ErrPendingExists) {
			if err = expireOld(tx, inv, now, expired); err == nil {
				err = tx.InsertInvitation(inv)
			}
		}
		return err
	}
	issued, err := s.issue(ctx, issuing{held: held, quiet: d.Quiet, noToken: d.NoToken, put: withinPending(d.MaxPending, put), store: d.store, first: d.first(true)}, func(tx Tx) (_ Invitation, announce bool, err error) {
		if d.begin != nil {
			err = d.begin(tx)
		}
		return inv, true, err
	})
	// A row of an import is tried again, and then finds what this try has created.
	if err != nil && made && d.store == nil && !errors.Is(err, ErrPendingExists) && !errors.Is(err, ErrOutcomeUnknown) {
		err = errors.Join(err, s.deleteCreated(ctx, held, inv))
	}
	issued.Created = true
	s.wake(expired...)
	return issued, err
}

// expireOld expires the due invitations that would conflict with a new pending
// one: the store counts them as pending, by address and by identity.
func expireOld(tx Tx, inv Invitation, now time.Time, expired []notification) error {
	byEmail, err := tx.PendingInvitation(inv.Email, inv.SchemaID)
	if err == nil && byEmail.Due(now) {
		err = expired[0].saveAndEnqueue(tx, byEmail, byEmail.Expire(now), now)
	}
	if err != nil && !errors.Is(err, ErrRowNotFound) {
		return err
	}
	byIdentity, err := pendingOf(tx, inv.IdentityID)
	if err == nil && byIdentity.Due(now) {
		err = expired[1].saveAndEnqueue(tx, byIdentity, byIdentity.Expire(now), now)
	}
	return err
}

// callInvitationHooks calls the hooks that decide on an invitation, unless they have
// agreed already.
func (s *Service) callInvitationHooks(ctx context.Context, inv Invitation, d *draft) error {
	if d.hooksAgreed {
		return nil
	}
	p := payload(EventPreInvitation, inv, s.now())
	p.Data.Reactivate = d.Reactivate
	return s.callHooksWith(ctx, p)
}

// newInvitation returns the invitation of a draft, without an identity.
func (s *Service) newInvitation(d *draft) Invitation {
	now, id := s.now(), d.invitationID
	if id == uuid.Nil {
		id = s.newID()
	}
	inv := Invitation{
		ID: id, CreatedBy: d.CreatedBy, ImportID: d.importID, State: StatePending, Email: d.email, SchemaID: s.schemaOf(d),
		InviterID: d.InviterID, InviterName: InviterName(d.InviterName, s.config.AllowedInviterNames), InviterEmail: d.InviterEmail,
		Locale: d.Locale, TimeZone: d.TimeZone, Traits: s.messageTraits(d.shownTraits()), ReturnTo: d.ReturnTo,
		Lifespan: d.ExpiresIn, Delivery: DeliveryOff,
		CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(d.ExpiresIn),
	}
	if len(d.Reminders) > 0 { // nil, as for a stored invitation without reminders
		inv.Reminders = slices.Clone(d.Reminders)
	}
	return inv.planReminder(now)
}

// inviteAgain issues an additional token for a pending invitation, after checking
// that its identity exists and matches the request.
func (s *Service) inviteAgain(ctx context.Context, inv Invitation, d *draft) (IssuedInvitation, error) {
	ctx, cancel := s.detachedContext(ctx)
	defer cancel()
	identity, err := s.checkInvited(ctx, inv)
	if errors.Is(err, ErrRevoked) || errors.Is(err, ErrAccepted) || errors.Is(err, ErrIdentityInUse) {
		return IssuedInvitation{}, errInvitationChanged
	} else if err != nil {
		return IssuedInvitation{}, err
	}
	if d.NoToken && inv.CreatedBy != d.CreatedBy {
		return IssuedInvitation{}, ErrInvitationExists
	}
	if err := s.checkMatches(d, identity); err != nil {
		return IssuedInvitation{}, err
	}
	if err := checkSameOptions(d, inv); err != nil {
		return IssuedInvitation{}, err
	}
	now := s.now()
	return s.issue(ctx, issuing{quiet: d.Quiet, noToken: d.NoToken, put: Tx.PutInvitation, first: d.first(false)}, func(tx Tx) (_ Invitation, announce bool, err error) {
		inv, err := tx.Invitation(inv.ID)
		if err == nil && inv.CheckUsable(now) != nil || errors.Is(err, ErrRowNotFound) {
			err = errInvitationChanged
		}
		return inv, false, err
	})
}

// checkSameOptions requires the same permissions as for the pending invitation,
// because the additional token gives access to the same identity.
func checkSameOptions(d *draft, inv Invitation) error {
	switch {
	case inv.Origin == OriginReactivated && !d.Reactivate:
		return ErrIdentityDeactivated
	case len(inv.Addresses) > 0 && !d.KeepAddresses:
		return errAddresses(inv.Addresses)
	}
	return nil
}
