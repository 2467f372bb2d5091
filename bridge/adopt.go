package bridge

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

// identityFor gives the inactive identity to invite: the one that was named,
// a new one, or the one that has the e-mail already. made says whether this
// call created it.
func (s *Service) identityFor(ctx context.Context, id uuid.UUID, d *draft) (identity Identity, made bool, err error) {
	if d.identity != nil {
		return *d.identity, false, s.adopts(d, *d.identity)
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
	if identity.Active {
		return ErrIdentityActive
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
	case given(d.MetadataAdmin) && !sameJSON(d.MetadataAdmin, identity.MetadataAdmin):
		differs = "metadata_admin"
	default:
		return nil
	}
	return ErrIdentityConflict.Reasonf("The identity exists with other %s. Leave %s out to invite it as it is, or change it in Kratos first.", differs, differs)
}

// sameTraits compares, whatever the spelling of the e-mail address.
func (s *Service) sameTraits(d *draft, identity Identity) bool {
	theirs, err := s.fillEmail(identity.Traits, d.email)
	return err == nil && sameJSON(d.Traits, theirs)
}

// invited reads the identity of a pending invitation, which must be inactive
// still. If it is gone or active, the invitation is closed: ErrRevoked or
// ErrIdentityActive.
func (s *Service) invited(ctx context.Context, inv Invitation) (Identity, error) {
	identity, err := s.identities.Get(ctx, inv.IdentityID)
	switch {
	case errors.Is(err, ErrIdentityNotFound):
		err = ErrRevoked
	case err != nil:
		return Identity{}, failure(err)
	case identity.Active:
		err = ErrIdentityActive
	default:
		return identity, nil
	}
	// Where a claim is held, the identity may be active because of it: that
	// is for the claim's holder to settle, or for the sweep.
	if closing := s.closeUnclaimed(ctx, inv.ID); closing != nil {
		return Identity{}, closing
	}
	return Identity{}, err
}

func (s *Service) closeUnclaimed(ctx context.Context, id uuid.UUID) error {
	now := s.now()
	return s.update(ctx, func(tx Tx) error {
		inv, err := tx.Invitation(id)
		if err != nil || inv.Claim != nil {
			return err
		}
		return tx.PutInvitation(inv.Close(now))
	})
}
