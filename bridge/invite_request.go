package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
)

// InviteRequest is the request of an inviter. Empty fields take defaults.
type InviteRequest struct {
	Email          string    // either Email or IdentityID
	IdentityID     uuid.UUID // an existing inactive identity
	ExternalID     string    // the operator's own id of the identity; unique among all identities
	OrganizationID uuid.UUID // of the identity
	SchemaID       string
	Traits         json.RawMessage // an object; the email trait is filled in
	MetadataPublic json.RawMessage
	MetadataAdmin  json.RawMessage // an object
	InviterID      string
	InviterName    string
	InviterEmail   string
	Locale         string
	TimeZone       string // an IANA name, for dates in messages
	ReturnTo       string
	ExpiresIn      time.Duration // zero: the configured lifespan
	// Reminders are the times before the expiry at which the invitee is reminded. Nil:
	// the configured ones; empty: none. One that is not before the expiry never comes.
	Reminders []time.Duration
	Quiet     bool // send no email
	CreatedBy Creator
	// NoToken: the caller gets no token. So an address that has a pending invitation by
	// another creator is refused, and errors say nothing of others.
	NoToken bool
	// OnlyOwn refuses an existing identity, unless an ended invitation by the same creator
	// has created it: another one may have rights that were not meant for this invitation.
	OnlyOwn bool
	// Spaced refuses an address to which an email was sent within the cooldown, also by an
	// invitation that has ended.
	Spaced bool
	// MaxPending is how many invitations by the same creator may be pending, this one
	// included; 0: any number. One that is pending already can be invited again.
	MaxPending int
	// Reactivate permits an identity that was in use as an account before, or was
	// imported with credentials. All its credentials and sessions are removed
	// before it is handed over.
	Reactivate bool
	// Idempotent makes a repetition of the request get the first response; zero: it does
	// not. Content is the digest of the request's content. See [IdempotencyKey].
	Idempotent, Content Digest
	// KeepAddresses confirms that the other addresses of an existing identity
	// belong to the invitee.
	KeepAddresses bool
}

// MetadataKey is the member of an identity's admin metadata that holds the [Mark].
const MetadataKey = "invitation"

const (
	maxLabelLength      = 256 // bytes of each free text of an invitation
	maxExternalIDLength = 64  // bytes; Kratos' column has as many characters
)

// draft is a validated request, from which the invitation is created.
type draft struct {
	InviteRequest
	email       string
	traitsGiven bool
	traits      json.RawMessage // as the inviter sent them
	identity    *Identity       // named by the inviter, or found; nil: to be created

	// Of a row of an import:
	importID     uuid.UUID
	invitationID uuid.UUID                  // zero: a new one
	hooksAgreed  bool                       // the blocking hooks were called before
	begin        func(Tx) error             // is called first in the update that stores the invitation
	store        func(Tx, Invitation) error // stores the result of the row with the invitation
}

// dropFound drops an identity that was found rather than named by the inviter, so
// that it is searched again.
func (d *draft) dropFound() {
	if d.IdentityID == uuid.Nil {
		d.identity = nil
	}
}

// shownTraits returns the traits of the identity, as far as they are known yet.
func (d *draft) shownTraits() json.RawMessage {
	if d.identity != nil {
		return d.identity.Traits
	}
	return d.Traits
}

// check validates and normalizes everything that does not depend on the identity
// system.
func (s *Service) check(r InviteRequest) (InviteRequest, error) {
	for name, text := range map[string]string{
		"schema_id": r.SchemaID, "inviter_id": r.InviterID, "inviter_name": r.InviterName, "locale": r.Locale,
		"timezone": r.TimeZone,
	} {
		if len(text) > maxLabelLength || strings.ContainsFunc(text, unicode.IsControl) {
			return r, ErrBadRequest.WithReasonf("%s must be at most %d bytes long and must not contain control characters.", name, maxLabelLength)
		}
	}
	if len(r.ExternalID) > maxExternalIDLength || strings.ContainsFunc(r.ExternalID, unicode.IsControl) {
		return r, ErrBadRequest.WithReasonf("external_id must be at most %d bytes long and must not contain control characters.", maxExternalIDLength)
	}
	if (r.Email == "") == (r.IdentityID == uuid.Nil) {
		return r, ErrBadRequest.WithReasonf("Send either email or identity_id.")
	}
	if r.InviterEmail != "" {
		canonical, err := ParseEmail(r.InviterEmail, s.config.ToASCII)
		if err != nil {
			return r, ErrBadRequest.WithReasonf("inviter_email must be one plain email address.").WithCause(err)
		}
		r.InviterEmail = canonical
	}
	if r.TimeZone != "" {
		if _, err := location(r.TimeZone); err != nil {
			return r, ErrBadRequest.WithReasonf("timezone must be an IANA name such as Europe/Berlin.")
		}
	}
	if isSet(r.Traits) && !isObject(r.Traits) {
		return r, ErrTraitsInvalid.WithReasonf("traits must be an object.")
	}
	if isSet(r.MetadataAdmin) {
		members, ok := object(r.MetadataAdmin)
		if !ok {
			return r, ErrTraitsInvalid.WithReasonf("metadata_admin must be an object.")
		}
		if _, taken := members[MetadataKey]; taken {
			return r, ErrTraitsInvalid.WithReasonf("metadata_admin.%s is reserved for the bridge; use another name.", MetadataKey)
		}
	}
	for _, raw := range []json.RawMessage{r.Traits, r.MetadataPublic, r.MetadataAdmin} {
		if holdsNUL(raw) {
			return r, ErrTraitsInvalid.WithReasonf("Traits and metadata must not contain the character U+0000, because databases reject it.")
		}
	}
	if err := s.checkLocale(r); err != nil {
		return r, err
	}
	if r.ReturnTo != "" {
		if err := s.config.AllowedReturnURLs.Check(r.ReturnTo); err != nil {
			return r, err
		}
	}
	if r.ExpiresIn == 0 {
		r.ExpiresIn = s.config.Lifespan
	}
	if r.ExpiresIn < time.Second || r.ExpiresIn > s.config.MaxLifespan {
		return r, ErrExpiresInInvalid.WithReasonf("expires_in must be a duration such as \"48h\" between 1s and %s.", durationText(s.config.MaxLifespan))
	}
	if r.Reminders == nil {
		r.Reminders = s.config.Reminders
	}
	if err := CheckReminders(r.Reminders); err != nil {
		return r, ErrBadRequest.WithReasonf("reminders must be %s.", err).WithCause(err)
	}
	return r, nil
}

// checkLocale rejects a locale for which the email would be in another language.
// If the bridge sends no email, any locale is accepted: hooks use their own texts.
func (s *Service) checkLocale(r InviteRequest) error {
	if r.Locale == "" || r.Quiet || s.config.LocaleSupported == nil {
		return nil
	}
	if known, languages := s.config.LocaleSupported(r.Locale); !known {
		return ErrBadRequest.WithReasonf("The locale is not supported. Supported languages: %s.", strings.Join(languages, ", "))
	}
	return nil
}

// draft validates a request and completes its email address and traits.
func (s *Service) draft(ctx context.Context, r InviteRequest) (*draft, error) {
	r, err := s.check(r)
	if err != nil {
		return nil, err
	}
	d := &draft{InviteRequest: r, traitsGiven: isSet(r.Traits), traits: r.Traits}
	email := r.Email
	if r.IdentityID != uuid.Nil {
		ctx, cancel := s.detachedContext(ctx)
		defer cancel()
		identity, err := s.identities.Get(ctx, r.IdentityID)
		if errors.Is(err, ErrIdentityNotFound) {
			return nil, ErrIdentityConflict.WithReasonf("No identity with this identity_id exists.")
		} else if err != nil {
			return nil, identityError(err)
		}
		d.identity, email = &identity, identity.Email
	}
	if d.email, err = ParseEmail(email, s.config.ToASCII); err != nil {
		return nil, err
	}
	if d.traitsGiven || d.identity == nil {
		trait, err := s.identities.EmailTrait(ctx, s.schemaOf(d))
		if err != nil {
			return nil, schemaError(err)
		}
		if d.Traits, err = s.fillEmail(d.traits, trait, d.email); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// schemaError is identityError for a failure to read the schema.
func schemaError(err error) error {
	if err = identityError(err); errors.Is(err, ErrKratosUnavailable) {
		return ErrKratosUnavailable.WithReasonf("The identity schema could not be read from Kratos' public API, so the bridge does not know which trait is the email address. Retrying is safe. If it does not help, set kratos.email_trait.").WithCause(err)
	}
	return err
}

// fillEmail sets the email trait. If the inviter sent one, it must be the same
// address.
func (s *Service) fillEmail(traits json.RawMessage, trait, email string) (json.RawMessage, error) {
	if !isSet(traits) {
		traits = json.RawMessage("{}")
	}
	return setMember("traits", traits, strings.Split(trait, "."), func(old json.RawMessage) (json.RawMessage, error) {
		var text string
		if isSet(old) {
			if json.Unmarshal(old, &text) != nil {
				return nil, ErrTraitsInvalid.WithReasonf("traits.%s must be a string.", trait)
			}
			if parsed, err := ParseEmail(text, s.config.ToASCII); err != nil || parsed != email {
				return nil, ErrTraitsInvalid.WithReasonf("traits.%s differs from email; omit it.", trait)
			}
		}
		return json.Marshal(email)
	})
}
