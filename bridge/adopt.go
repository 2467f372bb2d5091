package bridge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
)

// identityFor gives the inactive identity to invite: the one that was named,
// a new one, or the one that has the e-mail already. made says whether this
// call created it.
func (s *Service) identityFor(ctx context.Context, id uuid.UUID, d *draft) (identity Identity, made bool, err error) {
	if d.identity != nil {
		// It was read before the lock was taken: look again.
		identity, err = s.identities.Get(ctx, d.identity.ID)
		if errors.Is(err, ErrIdentityNotFound) {
			return Identity{}, false, ErrIdentityConflict.Reasonf("The identity has just been deleted.")
		} else if err != nil {
			return Identity{}, false, failure(err)
		}
		return identity, false, s.adopts(d, identity)
	}
	identity, err = s.identities.Create(ctx, NewIdentity{
		InvitationID: id, SchemaID: s.schemaOf(d), Traits: d.Traits,
		MetadataPublic: d.MetadataPublic, MetadataAdmin: d.MetadataAdmin,
	})
	if err == nil {
		return identity, true, nil
	}
	if !errors.Is(err, ErrIdentityExists) {
		return Identity{}, false, failure(err)
	}
	identity, err = s.identities.FindByEmail(ctx, d.email)
	if errors.Is(err, ErrIdentityNotFound) {
		return Identity{}, false, ErrIdentityConflict.Reasonf("An identifier in the traits, other than the e-mail, belongs to another identity.")
	} else if err != nil {
		return Identity{}, false, failure(err)
	}
	d.identity = &identity
	return identity, false, s.adopts(d, identity)
}

// adopts says whether an existing identity may be invited as d describes it.
func (s *Service) adopts(d *draft, identity Identity) error {
	switch {
	case identity.Active:
		return ErrIdentityActive
	case !identity.AnswersTo(d.email):
		// The address is a user name there, say. Whoever has the mailbox must
		// not get somebody else's account.
		return ErrIdentityConflict.Reasonf("Another identity signs in with this address, but has another e-mail address.")
	case identity.MarkForeign:
		return ErrIdentityConflict.Reasonf("metadata_admin of the identity must be an object without a member %q of its own.", MarkKey)
	}
	return s.matches(d, identity)
}

// matches refuses what was given and differs: the bridge never merges, and
// never overwrites what somebody else wrote.
func (s *Service) matches(d *draft, identity Identity) error {
	var differs string
	switch {
	case d.SchemaID != "" && d.SchemaID != identity.SchemaID:
		differs = "schema_id"
	case d.traitsGiven && !s.sameTraits(d, identity):
		differs = "traits"
	case given(d.MetadataPublic) && !sameJSON(d.MetadataPublic, identity.MetadataPublic):
		differs = "metadata_public"
	case given(d.MetadataAdmin) && !sameJSON(orObject(d.MetadataAdmin), orObject(identity.MetadataAdmin)):
		differs = "metadata_admin"
	default:
		return nil
	}
	return ErrIdentityConflict.Reasonf("The identity exists with other %s. Leave %s out to invite it as it is, or change it in Kratos first.", differs, differs)
}

// orObject takes no metadata for an empty object: when the mark is taken out,
// the two look the same.
func orObject(raw json.RawMessage) json.RawMessage {
	if !given(raw) {
		return json.RawMessage("{}")
	}
	return raw
}

// sameTraits compares, whatever the spelling of the e-mail address.
func (s *Service) sameTraits(d *draft, identity Identity) bool {
	theirs, err := s.fillEmail(identity.Traits, d.email)
	return err == nil && sameJSON(d.Traits, theirs)
}

// invited reads the identity of a pending invitation, which must never have been
// activated by it, and be inactive. Else the invitation is closed: ErrRevoked if
// it is gone, ErrIdentityActive, or ErrAccepted if it was deactivated since.
func (s *Service) invited(ctx context.Context, inv Invitation) (Identity, error) {
	identity, err := s.identities.Get(ctx, inv.IdentityID)
	switch {
	case errors.Is(err, ErrIdentityNotFound):
		err = ErrRevoked
	case err != nil:
		return Identity{}, failure(err)
	case identity.Active:
		err = ErrIdentityActive
	case identity.Activated(inv.ID):
		err = ErrAccepted
	case !identity.AnswersTo(inv.Email):
		err = ErrRevoked // it has become somebody else's
	default:
		return identity, nil
	}
	// Where a claim is held, the identity may be active because of it: that
	// is for the claim's holder to settle, or for the sweep.
	if closing := s.closeUnclaimed(ctx, inv, identity); closing != nil {
		return Identity{}, closing
	}
	return Identity{}, err
}

// closeUnclaimed ends an invitation as its identity says: accepted, if it was
// this invitation that activated it; else revoked.
func (s *Service) closeUnclaimed(ctx context.Context, inv Invitation, identity Identity) error {
	now, ended := s.now(), s.tellEnd()
	err := s.update(ctx, func(tx Tx) error {
		current, err := tx.Invitation(inv.ID)
		if err != nil || current.Claim != nil {
			return err
		}
		return ended.change(tx, current, current.Settle(identity, now), now)
	})
	s.wake(ended.accepted, ended.revoked)
	return err
}

// AnswersTo says whether email, in canonical form, is the identity's address,
// as far as that is known.
func (i Identity) AnswersTo(email string) bool { return i.Email == "" || i.Email == email }

// Activated says whether the invitation id has activated the identity. Somebody
// may have deactivated it since; the mark stays.
func (i Identity) Activated(id uuid.UUID) bool {
	return i.Mark.InvitationID == id && !i.Mark.AcceptedAt.IsZero()
}
