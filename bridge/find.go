package bridge

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
)

// findConflicting finds the existing identity of an address after the identity
// system refused to create one: because an identifier in the request is taken, or
// because the traits do not match the schema (the inviter may omit the traits of
// an existing identity). It only ever returns the identity that receives email at
// the address, whatever else another one has in common with the request.
func (s *Service) findConflicting(ctx context.Context, d *draft, refused error) (Identity, error) {
	exists := errors.Is(refused, ErrIdentityExists)
	if e := (*IdentityError)(nil); !exists && (!errors.As(refused, &e) || e.Outcome != OutcomeInvalid) {
		return Identity{}, identityError(refused)
	}
	i, taken, err := s.find(ctx, d)
	switch {
	case err == nil:
		return i, nil
	case !errors.Is(err, ErrIdentityNotFound):
		return i, callerIdentityError(err)
	case !exists:
		return i, identityError(refused)
	case len(taken) > 0:
		return i, errTaken(taken)
	}
	if d.ExternalID != "" {
		return i, ErrIdentityConflict.WithReasonf("external_id, or another identifier in the request, belongs to an identity that cannot be found by this email address. To invite that identity, send its id as identity_id. Otherwise, use another value.")
	}
	return i, ErrIdentityConflict.WithReasonf("An identifier in the request belongs to an identity that cannot be found by this email address. To invite that identity, send its id as identity_id.")
}

// errTaken is the error for traits whose values belong to another identity.
func errTaken(taken []string) error {
	return ErrIdentityConflict.WithReasonf("%s belongs to another identity, which does not receive email at this address. To invite that identity, send its id as identity_id. Otherwise, use another value.", "traits."+strings.Join(taken, ", traits."))
}

// callerIdentityError is identityError for what may be an error for callers already.
func callerIdentityError(err error) error {
	var ours *Error
	if errors.As(err, &ours) {
		return err
	}
	return identityError(err)
}

// find searches for the identity of an address: by the address, if that is an
// identifier; by the other identifiers; and in former invitations of the address.
func (s *Service) find(ctx context.Context, d *draft) (i Identity, taken []string, err error) {
	if i, err = s.identities.FindByEmail(ctx, d.email); !errors.Is(err, ErrIdentityNotFound) {
		return i, nil, err
	}
	if i, taken, err = s.identities.FindByTraits(ctx, d.email, s.schemaOf(d), d.Traits); !errors.Is(err, ErrIdentityNotFound) {
		return i, nil, err
	}
	i, err = s.findFormer(ctx, d.email)
	return i, taken, err
}

// maxFormer bounds how many former invitations of an address are read.
const maxFormer = 8

// findFormer returns the identity of a former invitation of an address, if it
// still receives email there.
//
// Errors: ErrIdentityNotFound.
func (s *Service) findFormer(ctx context.Context, email string) (Identity, error) {
	var former []Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		former, err = tx.ListInvitations(InvitationQuery{Email: email, Limit: maxFormer})
		return err
	})
	if err != nil {
		return Identity{}, err
	}
	seen := map[uuid.UUID]bool{}
	for _, inv := range former {
		if seen[inv.IdentityID] {
			continue
		}
		seen[inv.IdentityID] = true
		i, err := s.identities.Get(ctx, inv.IdentityID)
		if err == nil && i.Email == email || err != nil && !errors.Is(err, ErrIdentityNotFound) {
			return i, err
		}
	}
	return Identity{}, ErrIdentityNotFound
}
