package bridge

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// sessionsCleaned denotes the sessions in Invitation.Cleaned, which otherwise
// lists types of credentials.
const sessionsCleaned = "sessions"

// tooEarly returns an error while codes and links that Kratos sent to the former
// holder of a reactivated identity are valid, because they work again as soon as
// the identity is active. Kratos sends codes for inactive identities too, so the
// last one may have been sent just before the invitation was created. Later ones
// reach the invited mailbox.
//
// Errors: ErrAcceptTooEarly.
func (s *Service) tooEarly(inv Invitation) error {
	if left := s.acceptableFrom(inv).Sub(s.now()); left > 0 {
		return ErrAcceptTooEarly.WithReasonf("The invitation can be accepted from %s on, with the same link.", s.acceptableFrom(inv).Format("2006-01-02 15:04 MST")).WithRetryAfter(left)
	}
	return nil
}

// TooEarly returns nil if a usable invitation can be accepted now.
//
// Errors: ErrAcceptTooEarly with the time to wait.
func (s *Service) TooEarly(inv Invitation) error { return s.tooEarly(inv) }

// acceptableFrom returns the earliest time at which the identity of an invitation
// may be handed over; zero: immediately.
func (s *Service) acceptableFrom(inv Invitation) time.Time {
	if inv.Origin != OriginReactivated {
		return time.Time{}
	}
	return inv.CreatedAt.Add(s.config.CodeLifespan)
}

// lastsLongEnough returns ErrExpiresInInvalid if the invitation would expire before
// its identity may be handed over.
func (s *Service) lastsLongEnough(inv Invitation) error {
	if from := s.acceptableFrom(inv); !from.Before(inv.ExpiresAt) {
		return ErrExpiresInInvalid.WithReasonf("A reactivated identity cannot be accepted within %s of the invitation, because codes sent to its former holder are valid that long. Use a longer expires_in.", durationText(s.config.CodeLifespan))
	}
	return nil
}

// removeCredentials removes all credentials and sessions of a reactivated identity,
// and leaves it inactive with a random password that is not kept anywhere. The
// password is set first, because Kratos refuses to remove the last credential.
// Each step can be repeated: after a crash the next acceptance starts over.
func (s *Service) removeCredentials(ctx context.Context, w writer, inv Invitation) error {
	password := randomPassword()
	if err := w.write(ctx, func(Identity) (Write, error) { return WritePassword{password}, nil }); err != nil {
		return err
	}
	w.question.cleaned = true
	if has, err := s.identities.HasSessions(ctx, inv.IdentityID); err != nil {
		return asNotApplied(err)
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
			return s.endAllSessions(ctx, inv)
		}
	}
	return &IdentityError{Outcome: OutcomeRejected, Op: "clean", Reason: "a credential of the identity is still present, although Kratos reported its removal"}
}

// maxCredentials bounds the number of credentials removed in one acceptance.
const maxCredentials = 100

func (s *Service) endAllSessions(ctx context.Context, inv Invitation) error {
	left, err := s.identities.HasSessions(ctx, inv.IdentityID)
	if err != nil {
		return asNotApplied(err)
	}
	if left {
		return notApplied("clean", "the identity still has sessions")
	}
	return nil
}

// removal returns the write that removes a credential, one identifier at a time.
func (c Credential) removal() Write {
	r := RemoveCredential{Type: c.Type}
	if len(c.Identifiers) > 0 {
		r.Identifier = c.Identifiers[0]
	}
	return r
}

// randomPassword returns a password that is never disclosed: 64 characters, within
// the 72 that bcrypt accepts.
func randomPassword() string {
	raw := make([]byte, 48)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// noteCleaning returns the invitation with a note of what a write is about to
// remove from its identity; nil: it removes nothing, or that is already noted.
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
