package bridge

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// sessionsCleaned stands for the sessions in Invitation.Cleaned, beside types of
// credentials.
const sessionsCleaned = "sessions"

// early keeps the account of somebody who was deactivated from being handed over
// while codes and links that were sent to them are valid: they work again as
// soon as the identity is active. Kratos sends codes of an inactive identity too,
// so the last one may have been sent just before the invitation was made; later
// ones reach whoever the link was sent to. ErrTooEarly.
func (s *Service) early(inv Invitation) error {
	if left := s.acceptableFrom(inv).Sub(s.now()); left > 0 {
		return ErrTooEarly.Reasonf("The invitation can be accepted from %s on, with the same link.", s.acceptableFrom(inv).Format("2006-01-02 15:04 MST")).After(left)
	}
	return nil
}

// TooEarly says whether an invitation that can be used cannot be accepted yet:
// ErrTooEarly, with the time to wait; nil: it can.
func (s *Service) TooEarly(inv Invitation) error { return s.early(inv) }

// acceptableFrom is when the identity of an invitation may be handed over at the
// earliest; zero: at once.
func (s *Service) acceptableFrom(inv Invitation) time.Time {
	if inv.Origin != OriginReactivated {
		return time.Time{}
	}
	return inv.CreatedAt.Add(s.config.CodeLifespan)
}

// lastsLongEnough refuses an invitation that would expire before its identity may
// be handed over. ErrExpiresIn.
func (s *Service) lastsLongEnough(inv Invitation) error {
	if from := s.acceptableFrom(inv); !from.Before(inv.ExpiresAt) {
		return ErrExpiresIn.Reasonf("A reactivated account cannot be handed over within %s of the invitation: codes that were sent to its former holder are valid so long. Give an expires_in that lasts longer.", s.config.CodeLifespan)
	}
	return nil
}

// clean removes everything that opens a reactivated identity, and leaves it
// inactive with a password that nobody has. The password comes first, for Kratos
// keeps the last credential. Each step can be repeated: after a crash the next
// acceptance begins anew.
func (s *Service) clean(ctx context.Context, w writer, inv Invitation) error {
	password := randomPassword()
	if err := w.write(ctx, func(Identity) (Write, error) { return WritePassword{password}, nil }); err != nil {
		return err
	}
	w.question.cleaned = true
	if has, err := s.identities.HasSessions(ctx, inv.IdentityID); err != nil {
		return untouched(err)
	} else if has {
		if err := w.write(ctx, func(Identity) (Write, error) { return EndSessions{}, nil }); err != nil {
			return err
		}
	}
	done := false
	for range maxCredentials {
		err := w.write(ctx, func(i Identity) (Write, error) {
			at := slices.IndexFunc(i.Credentials, func(c Credential) bool { return c.Type != passwordType })
			if done = at < 0; done {
				return nil, nil
			}
			return i.Credentials[at].removal(), nil
		})
		if err != nil {
			return err
		}
		if done {
			return s.signedOut(ctx, inv)
		}
	}
	return &IdentityError{Outcome: OutcomeRefused, Op: "clean", Reason: "a credential of the identity stays, though Kratos says that it was removed"}
}

// maxCredentials bounds how many are removed in one acceptance.
const maxCredentials = 100

func (s *Service) signedOut(ctx context.Context, inv Invitation) error {
	left, err := s.identities.HasSessions(ctx, inv.IdentityID)
	if err != nil {
		return untouched(err)
	}
	if left {
		return notDone("clean", "the identity has sessions still")
	}
	return nil
}

// removal takes a credential away, one identifier at a time.
func (c Credential) removal() Write {
	r := RemoveCredential{Type: c.Type}
	if len(c.Identifiers) > 0 {
		r.Identifier = c.Identifiers[0]
	}
	return r
}

// randomPassword gives one that nobody is ever told: 64 characters, 72 being the
// most that bcrypt takes.
func randomPassword() string {
	raw := make([]byte, 48)
	_, _ = rand.Read(raw) // it never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// noteCleaning notes on the invitation what a write is about to remove from its
// identity; nil: it removes nothing, or that was noted before.
func (i Invitation) noteCleaning(w Write, from Identity, now time.Time) *Invitation {
	began, what := !i.CleaningBeganAt.IsZero(), ""
	switch w := w.(type) {
	case WritePassword:
		if !began && slices.ContainsFunc(from.Credentials, func(c Credential) bool { return c.Type == passwordType }) {
			what = passwordType
		}
	case EndSessions:
		what = sessionsCleaned
	case RemoveCredential:
		what = w.Type
		if provider, _, ok := strings.Cut(w.Identifier, ":"); ok {
			what += ":" + provider
		}
	default:
		return nil
	}
	if began && (what == "" || slices.Contains(i.Cleaned, what)) {
		return nil
	}
	if !began {
		i.CleaningBeganAt = now
	}
	if what != "" {
		i.Cleaned = append(slices.Clone(i.Cleaned), what)
	}
	i.UpdatedAt = now
	return &i
}
