package bridge

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// checkCanSignIn rejects an identity that was just created if the invitee would not
// receive email at the address, or is to set a password and could not sign in with
// it.
//
// Errors: ErrTraitsInvalid.
func (s *Service) checkCanSignIn(ctx context.Context, i Identity, email string) error {
	if i.Email != email {
		return ErrTraitsInvalid.WithReasonf("Kratos treats traits.%s of schema %s neither as an email address nor as an identifier. Set kratos.email_trait to the path of the email address in that schema.", i.EmailTrait, i.SchemaID)
	}
	if len(i.Identifiers) > 0 || !s.Offers(AcceptPassword) {
		return nil
	}
	why, err := s.noSignIn(ctx, i)
	if why == "" {
		why = noSignIn + "it has no password identifier."
	}
	return ErrTraitsInvalid.WithReasonf("%s", why).WithCause(err)
}

// checkAdoptable rejects an existing identity that could not sign in with the
// password that the invitee is to set.
//
// Errors: ErrIdentityConflict.
func (s *Service) checkAdoptable(ctx context.Context, i Identity) error {
	if !s.Offers(AcceptPassword) {
		return nil
	}
	why, err := s.noSignIn(ctx, i)
	if err == nil && why != "" {
		err = ErrIdentityConflict.WithReasonf("%s", why)
	}
	return err
}

// checkAcceptable refuses to hand over an identity that could not sign in with the
// password that is to be set, or that no longer has the invited address in its email
// trait. The invitation is left unchanged.
//
// Errors: ErrKratosRejected.
func (s *Service) checkAcceptable(ctx context.Context, i Identity, email string, method AcceptMethod) error {
	var why string
	var err error
	if method == AcceptPassword {
		why, err = s.noSignIn(ctx, i)
	}
	switch {
	case err != nil:
		return err
	case i.Email != email:
		return ErrKratosRejected.WithReasonf("This account currently has no email address. Contact the person who invited you; the invitation stays valid.").
			WithCause(errors.New("the identity does not have the invited address in the trait that its schema or kratos.email_trait names: traits." + i.EmailTrait))
	case why != "":
		return ErrKratosRejected.WithReasonf("This account has no identifier to sign in with yet. Contact the person who invited you; the invitation stays valid.").WithCause(errors.New(why))
	}
	return nil
}

const noSignIn = "The identity could not sign in with a password: "

// noSignIn returns why an identity could not sign in with a password once it has
// one; empty: it can. Kratos derives the identifiers from the traits when it stores
// a password, so those that it returns until then may be outdated. They are used
// only if the schema cannot be read.
func (s *Service) noSignIn(ctx context.Context, i Identity) (why string, err error) {
	traits, err := s.identities.PasswordTraits(ctx, i.SchemaID)
	switch {
	case err != nil && len(i.Identifiers) > 0:
		return "", nil
	case err != nil:
		return "", asNotApplied(err)
	case len(traits) == 0:
		return noSignIn + "schema " + i.SchemaID + " has no password identifier. Use a schema that has one, or mark a trait as password identifier.", nil
	case slices.ContainsFunc(traits, func(path string) bool { return hasText(i.Traits, path) }):
		return "", nil
	}
	return noSignIn + "the password identifier, traits." + strings.Join(traits, " or traits.") + ", is missing.", nil
}
