package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// useful refuses an identity that was just created if the invitee could not be
// reached or could not sign in. ErrTraitsInvalid.
func (s *Service) useful(ctx context.Context, i Identity, email string) error {
	if i.Email != email {
		return ErrTraitsInvalid.Reasonf("Kratos takes traits.%s of schema %s for neither an email address nor an identifier. Set kratos.email_trait to the path of the email address in that schema.", i.EmailTrait, i.SchemaID)
	}
	if len(i.Identifiers) > 0 {
		return nil
	}
	why, err := s.noSignIn(ctx, i)
	if why == "" {
		why = noSignIn + "it has no identifier for one."
	}
	return ErrTraitsInvalid.Reasonf("%s", why).Because(err)
}

// adoptable refuses an identity that exists if nobody could sign in to it.
// ErrIdentityConflict.
func (s *Service) adoptable(ctx context.Context, i Identity) error {
	why, err := s.noSignIn(ctx, i)
	if err == nil && why != "" {
		err = ErrIdentityConflict.Reasonf("%s", why)
	}
	return err
}

// acceptable refuses to hand over an identity that nobody could sign in to, or
// that does not have the invited address where its schema has one by now; its
// invitation stays as it is. ErrKratosRejected.
func (s *Service) acceptable(ctx context.Context, i Identity, email string) error {
	why, err := s.noSignIn(ctx, i)
	switch {
	case err != nil:
		return err
	case i.Email != email:
		return ErrKratosRejected.Reasonf("This account is without an email address at present. Ask the person who invited you; the invitation stays valid.").
			Because(errors.New("the identity does not have the invited address where its schema, or kratos.email_trait, has one: traits." + i.EmailTrait))
	case why != "":
		return ErrKratosRejected.Reasonf("There is nothing yet to sign in to this account with, beside a password. Ask the person who invited you; the invitation stays valid.").Because(errors.New(why))
	}
	return nil
}

const noSignIn = "Nobody could sign in to the identity by password: "

// noSignIn says why nobody could sign in to an identity by password once it had
// one; empty: its holder can. Kratos makes its identifiers anew of the traits
// when it takes a password, so those that it shows until then may be gone or may
// be missing; they count only where the schema cannot be read.
func (s *Service) noSignIn(ctx context.Context, i Identity) (why string, err error) {
	traits, err := s.identities.PasswordTraits(ctx, i.SchemaID)
	switch {
	case err != nil && len(i.Identifiers) > 0:
		return "", nil
	case err != nil:
		return "", untouched(err)
	case len(traits) == 0:
		return noSignIn + "its schema, " + i.SchemaID + ", has no password identifier. Use a schema that has one, or mark a trait as one.", nil
	case slices.ContainsFunc(traits, func(path string) bool { return hasText(i.Traits, path) }):
		return "", nil
	}
	return noSignIn + "traits." + strings.Join(traits, " or traits.") + " is what one signs in with, and is missing.", nil
}

// hasText says whether there is a text at a path of [Identities.PasswordTraits].
func hasText(raw json.RawMessage, path string) bool {
	above, below, inList := strings.Cut(path, "[]")
	value := member(raw, above)
	if !inList {
		return scalar(value) != ""
	}
	var items []json.RawMessage
	_ = json.Unmarshal(value, &items) // none, if it is no list
	below = strings.TrimPrefix(below, ".")
	return slices.ContainsFunc(items, func(item json.RawMessage) bool {
		if below == "" {
			return scalar(item) != ""
		}
		return hasText(item, below)
	})
}
