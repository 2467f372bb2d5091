package bridge

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
)

// inTheWay finds the identity of an address that exists already, after the
// identity system refused to make it: because something in the request is taken,
// or because the traits do not fit the schema, as those of an identity that
// exists need not be given. It is the one that email is sent to at the address,
// and no other, whatever else it has in common with the request.
func (s *Service) inTheWay(ctx context.Context, d *draft, refused error) (Identity, error) {
	exists := errors.Is(refused, ErrIdentityExists)
	if e := (*IdentityError)(nil); !exists && (!errors.As(refused, &e) || e.Outcome != OutcomeInvalid) {
		return Identity{}, failure(refused)
	}
	i, taken, err := s.find(ctx, d)
	var ours *Error
	switch {
	case err == nil, errors.As(err, &ours):
		return i, err
	case !errors.Is(err, ErrIdentityNotFound):
		return i, failure(err)
	case !exists:
		return i, failure(refused)
	case len(taken) > 0:
		return i, ErrIdentityConflict.Reasonf("%s belongs to another identity, to which no email is sent at this address. If that is the one to invite, give its id as identity_id; else give another value.", "traits."+strings.Join(taken, ", traits."))
	}
	return i, ErrIdentityConflict.Reasonf("Something in the request belongs to an identity that cannot be found by this email address. If that is the one to invite, give its id as identity_id.")
}

// find looks for the identity of an address: by the address, where one signs in
// with that; by what else one signs in with; and as the one that was invited
// before.
func (s *Service) find(ctx context.Context, d *draft) (i Identity, taken []string, err error) {
	if i, err = s.identities.FindByEmail(ctx, d.email); !errors.Is(err, ErrIdentityNotFound) {
		return i, nil, err
	}
	if i, taken, err = s.identities.FindByTraits(ctx, d.email, s.schemaOf(d), d.Traits); !errors.Is(err, ErrIdentityNotFound) {
		return i, nil, err
	}
	i, err = s.invitedBefore(ctx, d.email)
	return i, taken, err
}

// mostFormer bounds how many former invitations of an address are looked at.
const mostFormer = 8

// invitedBefore gives the identity of a former invitation of an address, if email
// is sent to it there still. ErrIdentityNotFound.
func (s *Service) invitedBefore(ctx context.Context, email string) (Identity, error) {
	var former []Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		former, err = tx.ListInvitations(Query{Email: email, Limit: mostFormer})
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
