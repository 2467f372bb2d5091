package bridge

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

// createOrAdopt returns the invitation with an identity: a new one, or an
// existing one that is not in use, which held then locks too. made reports whether
// this call created it.
func (s *Service) createOrAdopt(ctx context.Context, held *hold, inv Invitation, d *draft) (_ Invitation, made bool, err error) {
	if d.identity == nil {
		i, err := s.identities.Create(ctx, s.identityParams(d, inv.ID))
		if err == nil {
			inv.Traits = s.messageTraits(i.Traits) // with the defaults of the schema
			inv = inv.withIdentity(i, OriginCreated)
			return inv, true, s.checkCanSignIn(ctx, i, d.email)
		}
		if i, err = s.findConflicting(ctx, d, err); err != nil {
			return inv, false, err
		}
		d.identity = &i
	}
	if err := held.addIdentity(ctx, d.identity.ID); err != nil {
		return inv, false, err
	}
	inv, err = s.adopt(ctx, held, inv, d)
	return inv, false, err
}

func (s *Service) identityParams(d *draft, invitation uuid.UUID) IdentityParams {
	return IdentityParams{
		InvitationID: invitation, ExternalID: d.ExternalID, OrganizationID: d.OrganizationID, SchemaID: s.schemaOf(d), Traits: d.Traits,
		MetadataPublic: d.MetadataPublic, MetadataAdmin: d.MetadataAdmin,
	}
}

// withIdentity returns the invitation with its identity, and the baseline to
// judge that by.
func (i Invitation) withIdentity(identity Identity, origin Origin) Invitation {
	i.IdentityID, i.SchemaID, i.Origin, i.Baseline = identity.ID, identity.SchemaID, origin, baselineOf(identity)
	for _, identifier := range identity.Identifiers {
		if identifier != i.Email {
			i.Identifiers = append(i.Identifiers, identifier)
		}
	}
	return i
}

// adopt judges an existing identity and writes the mark of the invitation. The
// caller holds the lock of the identity.
func (s *Service) adopt(ctx context.Context, held *hold, inv Invitation, d *draft) (Invitation, error) {
	id := d.identity.ID
	former, pending, err := s.formerOf(ctx, id)
	if err != nil {
		return inv, err
	}
	if pending.ID != uuid.Nil && pending.Email == d.email && pending.SchemaID == s.schemaOf(d) {
		return inv, ErrPendingExists // an import, which has no lock, has created it meanwhile
	}
	if pending.ID != uuid.Nil {
		if _, err := s.checkInvited(ctx, pending); err == nil {
			return inv, errPendingElsewhere(d, pending)
		} else if !errors.Is(err, ErrIdentityInUse) && !errors.Is(err, ErrRevoked) && !errors.Is(err, ErrAccepted) {
			return inv, err
		}
	}
	q, origin, err := s.examine(ctx, id, d, former)
	if err != nil {
		return inv, err
	}
	if d.OnlyOwn && (former.CreatedBy != d.CreatedBy || former.Origin != OriginCreated) {
		return inv, ErrIdentityConflict.WithReasonf("The address has an identity that this inviter did not create.")
	}
	var adopted Identity
	w := writer{service: s, identity: id, question: q, begin: s.beginUnclaimed(id, held)}
	err = w.write(ctx, func(i Identity) (Write, error) {
		adopted = i
		if err := s.checkAdoptable(ctx, i); err != nil {
			return nil, err
		}
		switch {
		case origin == OriginAdopted && i.createdFor(inv.ID):
			origin = OriginCreated // by an earlier try of this invitation
		case origin == OriginCreated && i.Mark.InvitationID != former.ID:
			origin = OriginAdopted // another bridge has adopted it in the meantime
		}
		if err := s.lastsLongEnough(inv.withIdentity(i, origin)); err != nil {
			return nil, err
		}
		return WriteMark{Mark{InvitationID: inv.ID, Origin: origin}}, s.checkFits(d, i)
	})
	var refused refusal
	var ours *Error
	switch {
	case errors.As(err, &refused):
		return inv, s.inviterError(refused.verdict, refused.identity, d)
	case errors.As(err, &ours), errors.Is(err, ErrPendingExists):
		return inv, err
	case errors.Is(err, ErrIdentityNotFound):
		return inv, s.inviterError(verdictGone, adopted, d)
	case err != nil:
		return inv, identityError(err)
	}
	inv = inv.withIdentity(adopted, origin)
	inv.Traits = s.messageTraits(adopted.Traits)
	if d.KeepAddresses {
		inv.Addresses = adopted.Addresses
	}
	return inv, nil
}

// examine checks whether the identity id may be invited as d describes it, and
// returns the question that it passed. An identity with a baseline from an ended
// invitation passes if it is unchanged since then. Any other passes only if it
// was never used, or if the inviter asks for its reactivation.
func (s *Service) examine(ctx context.Context, id uuid.UUID, d *draft, former Invitation) (question, Origin, error) {
	q := question{email: d.email, existing: true, keepAddresses: d.KeepAddresses, since: s.config.NeverUsedSince}
	q.shifted = s.shiftedFor(ctx, *d.identity)
	q.maker = d.invitationID // an earlier try of a row may have created it
	if former.reusable() && (former.Origin != OriginReactivated || d.Reactivate) {
		again := q
		again.baseline, again.cleaned, again.maker = former.Baseline, !former.CleaningBeganAt.IsZero(), former.ID
		i, v, err := s.readAndJudge(ctx, id, again)
		if err != nil {
			return q, "", identityError(err)
		}
		if v != verdictUsed {
			return again, former.Origin, s.inviterError(v, i, d)
		}
	}
	i, v, err := s.readAndJudge(ctx, id, q)
	if err != nil {
		return q, "", identityError(err)
	}
	if d.Reactivate && (v == verdictUsed || v == verdictHasCredentials) {
		q.reactivate, q.maker = true, uuid.Nil
		if i, v, err = s.readAndJudge(ctx, id, q); err != nil {
			return q, "", identityError(err)
		}
		return q, OriginReactivated, s.inviterError(v, i, d)
	}
	return q, OriginAdopted, s.inviterError(v, i, d)
}

// reusable reports whether the baseline of an ended invitation can still prove
// that its identity is not in use.
func (i Invitation) reusable() bool {
	return i.Baseline != nil && i.Origin != "" && (i.State == StateExpired || i.State == StateRevoked)
}

// beginUnclaimed returns the begin function of a writer that adopts an identity.
// It fails if an invitation of that identity is pending.
func (s *Service) beginUnclaimed(id uuid.UUID, held *hold) func(context.Context, Identity, Write) error {
	return func(ctx context.Context, _ Identity, _ Write) error {
		now := s.now()
		return s.update(ctx, func(tx Tx) error {
			pending, err := pendingOf(tx, id)
			if err == nil && pending.Expire(now).State == StatePending {
				err = ErrPendingExists
			}
			if err != nil {
				return err
			}
			return held.check(tx, now)
		})
	}
}

// formerOf returns the newest invitation of an identity, and its pending one,
// which may be an older one that was revived. Zero: there is none.
func (s *Service) formerOf(ctx context.Context, id uuid.UUID) (newest, pending Invitation, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		if pending, err = pendingOf(tx, id); err != nil {
			return err
		}
		found, err := tx.ListInvitations(InvitationQuery{IdentityID: id, Limit: 1})
		if len(found) > 0 {
			newest = found[0]
		}
		return err
	})
	if pending = s.withExpiryApplied(pending); pending.State != StatePending {
		pending = Invitation{}
	}
	return s.withExpiryApplied(newest), pending, err
}

// pendingOf returns the pending invitation of an identity, of which there is at
// most one. Zero: there is none.
func pendingOf(tx Tx, identity uuid.UUID) (Invitation, error) {
	pending, err := tx.PendingOfIdentity(identity)
	if errors.Is(err, ErrRowNotFound) {
		return Invitation{}, nil
	}
	return pending, err
}

// inviterError translates a verdict into an error for the inviter; nil: the
// identity may be invited.
func (s *Service) inviterError(v verdict, i Identity, d *draft) error {
	switch v {
	case verdictFree:
		return s.checkFits(d, i)
	case verdictActive, verdictAccepted:
		return ErrIdentityAlreadyActive
	case verdictGone:
		return ErrIdentityConflict.WithReasonf("The identity has just been deleted.")
	case verdictAddressChanged:
		return ErrIdentityConflict.WithReasonf(textAddressChanged)
	case verdictNotRemovable:
		return ErrIdentityConflict.WithReasonf("The identity has a passkey or another credential that the admin API cannot remove. To return the account to its holder, activate it in Kratos. To give it to someone else, delete the identity in Kratos with all its data, then create a new invitation.")
	case verdictHasCredentials:
		return ErrIdentityHasCredentials
	case verdictUnconfirmedAddresses:
		return errAddresses(unconfirmedAddresses(i, nil))
	case verdictUsed, verdictNotOwned:
	}
	if s.shifted.Load() && s.config.NeverUsedSince.IsZero() {
		return ErrIdentityDeactivated.WithReasonf("Kratos reports times in its local time zone as if they were UTC, so the bridge cannot determine whether this identity was ever used. Run Kratos with TZ=UTC and set kratos.never_used_since, or send \"reactivate\": true.")
	}
	return ErrIdentityDeactivated
}

func errPendingElsewhere(d *draft, pending Invitation) error {
	err := ErrIdentityConflict.WithReasonf("Another invitation of this identity is pending, for a different email address or schema: %s. Revoke it first.", pending.ID)
	if pending.CreatedBy == d.CreatedBy {
		return err
	}
	return err.WithStranger(ErrInvitationExists)
}

func errAddresses(addresses []string) error {
	const has, confirm = "The identity has other addresses too, whose owners could sign in to it.", "If they belong to the invitee, send \"keep_addresses\": true."
	return ErrIdentityConflict.WithReasonf("%s %s", has, confirm).WithDetails("addresses", addresses).
		WithStranger(ErrIdentityConflict.WithReasonf("%s API keys with the scope link are shown them. %s", has, confirm))
}

// checkFits refuses an identity that has lost its address since it was found, and
// one that differs from the inviter's input: the bridge never merges data, and
// never overwrites what others wrote.
func (s *Service) checkFits(d *draft, i Identity) error {
	if i.Email != d.email {
		return ErrIdentityConflict.WithReasonf("The identity no longer has this email address.")
	}
	if i.MetadataConflict {
		return ErrIdentityConflict.WithReasonf("metadata_admin of the identity must be an object whose member %q, if any, was written by the bridge.", MetadataKey)
	}
	return s.checkMatches(d, i)
}

func (s *Service) checkMatches(d *draft, identity Identity) error {
	var differs string
	switch {
	case d.SchemaID != "" && d.SchemaID != identity.SchemaID:
		differs = "schema_id"
	case d.ExternalID != "" && d.ExternalID != identity.ExternalID:
		differs = "external_id"
	case d.OrganizationID != uuid.Nil && d.OrganizationID != identity.OrganizationID:
		differs = "organization_id"
	case d.traitsGiven && !s.sameTraits(d, identity):
		differs = "traits"
	case isSet(d.MetadataPublic) && !sameJSON(d.MetadataPublic, identity.MetadataPublic):
		differs = "metadata_public"
	case isSet(d.MetadataAdmin) && !sameJSON(orObject(d.MetadataAdmin), orObject(identity.MetadataAdmin)):
		differs = "metadata_admin"
	default:
		return nil
	}
	return errDiffers(d, differs)
}

// errDiffers is the error for a field of the request that an existing identity has
// otherwise.
func errDiffers(d *draft, differs string) error {
	way := "omit " + differs
	if d.IdentityID == uuid.Nil {
		way += " and send its id as identity_id instead of email"
	}
	return ErrIdentityConflict.WithReasonf("The identity already exists with different %s. To invite it unchanged, %s. Otherwise, update it in Kratos first.", differs, way)
}

// sameTraits compares traits, ignoring the spelling of the email address and of
// phone numbers.
func (s *Service) sameTraits(d *draft, identity Identity) bool {
	if identity.EmailTrait == "" {
		return sameTraitValues(d.traits, identity.Traits)
	}
	ours, err := s.fillEmail(d.traits, identity.EmailTrait, d.email)
	if err != nil {
		return false
	}
	theirs, err := s.fillEmail(identity.Traits, identity.EmailTrait, d.email)
	return err == nil && sameTraitValues(ours, theirs)
}
