package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
)

// InviteRequest is what an inviter asks for. Empty fields take defaults.
type InviteRequest struct {
	Email          string    // this or IdentityID, not both
	IdentityID     uuid.UUID // an existing inactive identity
	SchemaID       string
	Traits         json.RawMessage // an object; the e-mail trait is filled in
	MetadataPublic json.RawMessage
	MetadataAdmin  json.RawMessage // an object
	InviterID      string
	InviterName    string
	InviterEmail   string
	Locale         string
	TimeZone       string // an IANA name, for dates in messages
	ReturnTo       string
	ExpiresIn      time.Duration // zero: the configured lifespan
	Quiet          bool          // send no email
	// Reactivate permits an identity that was somebody's account, or was imported
	// with credentials: everything that opens it is removed before it is handed
	// over.
	Reactivate bool
	// KeepAddresses says that the other addresses of an identity that exists are
	// the invitee's.
	KeepAddresses bool
}

// MarkKey is the member of an identity's admin metadata that is the bridge's.
const MarkKey = "invitation"

const maxLabelLength = 256 // bytes, of the free texts of an invitation

// draft is a validated request: what a new invitation will be made of.
type draft struct {
	InviteRequest
	email       string
	traitsGiven bool
	traits      json.RawMessage // as the inviter gave them
	identity    *Identity       // the one that was named or found; nil: to be created
}

// forget drops an identity that was found, and not named: it is to be looked
// for again.
func (d *draft) forget() {
	if d.IdentityID == uuid.Nil {
		d.identity = nil
	}
}

// shownTraits are those of the identity, as far as they are known yet.
func (d *draft) shownTraits() json.RawMessage {
	if d.identity != nil {
		return d.identity.Traits
	}
	return d.Traits
}

// check validates all that needs no look at the identity system.
func (s *Service) check(r InviteRequest) (InviteRequest, error) {
	for name, text := range map[string]string{
		"schema_id": r.SchemaID, "inviter_id": r.InviterID, "inviter_name": r.InviterName, "locale": r.Locale,
		"timezone": r.TimeZone,
	} {
		if len(text) > maxLabelLength || strings.ContainsFunc(text, unicode.IsControl) {
			return r, ErrBadRequest.Reasonf("%s must be at most %d bytes, without control characters.", name, maxLabelLength)
		}
	}
	if (r.Email == "") == (r.IdentityID == uuid.Nil) {
		return r, ErrBadRequest.Reasonf("Give either email or identity_id.")
	}
	if r.InviterEmail != "" {
		canonical, err := ParseEmail(r.InviterEmail, s.config.ToASCII)
		if err != nil {
			return r, ErrBadRequest.Reasonf("inviter_email must be one plain e-mail address.").Because(err)
		}
		r.InviterEmail = canonical
	}
	if r.TimeZone != "" {
		if _, err := location(r.TimeZone); err != nil {
			return r, ErrBadRequest.Reasonf("timezone must be an IANA name such as Europe/Berlin.")
		}
	}
	if given(r.Traits) && !isObject(r.Traits) {
		return r, ErrTraitsInvalid.Reasonf("traits must be an object.")
	}
	if given(r.MetadataAdmin) {
		members, ok := object(r.MetadataAdmin)
		if !ok {
			return r, ErrTraitsInvalid.Reasonf("metadata_admin must be an object.")
		}
		if _, taken := members[MarkKey]; taken {
			return r, ErrTraitsInvalid.Reasonf("metadata_admin.%s is kept for the bridge; use another name.", MarkKey)
		}
	}
	for _, raw := range []json.RawMessage{r.Traits, r.MetadataPublic, r.MetadataAdmin} {
		if holdsNUL(raw) {
			return r, ErrTraitsInvalid.Reasonf("Traits and metadata must not hold the character U+0000: databases refuse it.")
		}
	}
	if err := s.checkLocale(r); err != nil {
		return r, err
	}
	if r.ReturnTo != "" {
		if err := s.config.ReturnURLs.Check(r.ReturnTo); err != nil {
			return r, err
		}
	}
	if r.ExpiresIn == 0 {
		r.ExpiresIn = s.config.Lifespan
	}
	if r.ExpiresIn < time.Second || r.ExpiresIn > s.config.MaxLifespan {
		return r, ErrExpiresIn.Reasonf("expires_in must be a duration such as \"48h\" between 1s and %s.", s.config.MaxLifespan)
	}
	return r, nil
}

// checkLocale refuses a locale that would be answered in another language. Where
// the bridge writes no email, hooks have texts of their own.
func (s *Service) checkLocale(r InviteRequest) error {
	if r.Locale == "" || r.Quiet || s.config.Speaks == nil {
		return nil
	}
	if known, languages := s.config.Speaks(r.Locale); !known {
		return ErrBadRequest.Reasonf("There are no texts for that locale. There are some in: %s.", strings.Join(languages, ", "))
	}
	return nil
}

// holdsNUL looks for U+0000 in the strings and names of a JSON text. The text
// cannot be searched for its escape, because "\\u0000" is one of a backslash.
func holdsNUL(raw json.RawMessage) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // no number is too large
	for {
		token, err := d.Token()
		if text, ok := token.(string); ok && strings.ContainsRune(text, 0) {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// draft validates a request and completes its e-mail and traits.
func (s *Service) draft(ctx context.Context, r InviteRequest) (*draft, error) {
	r, err := s.check(r)
	if err != nil {
		return nil, err
	}
	d := &draft{InviteRequest: r, traitsGiven: given(r.Traits), traits: r.Traits}
	email := r.Email
	if r.IdentityID != uuid.Nil {
		ctx, cancel := s.detached(ctx)
		defer cancel()
		identity, err := s.identities.Get(ctx, r.IdentityID)
		if errors.Is(err, ErrIdentityNotFound) {
			return nil, ErrIdentityConflict.Reasonf("There is no identity with that identity_id.")
		} else if err != nil {
			return nil, failure(err)
		}
		d.identity, email = &identity, identity.Email
	}
	if d.email, err = ParseEmail(email, s.config.ToASCII); err != nil {
		return nil, err
	}
	if d.traitsGiven || d.identity == nil {
		trait, err := s.identities.EmailTrait(ctx, s.schemaOf(d))
		if err != nil {
			return nil, schemaFailure(err)
		}
		if d.Traits, err = s.fillEmail(d.traits, trait, d.email); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// schemaFailure is failure, where the schema is what the caller waits for.
func schemaFailure(err error) error {
	if err = failure(err); errors.Is(err, ErrKratosAway) {
		return ErrKratosAway.Reasonf("The identity schema could not be read from Kratos' public API, so it is not known where its email address is. A retry is safe. If it does not help, set kratos.email_trait.").Because(err)
	}
	return err
}

// fillEmail sets the e-mail trait. One that the caller gave must be the same
// address.
func (s *Service) fillEmail(traits json.RawMessage, trait, email string) (json.RawMessage, error) {
	if !given(traits) {
		traits = json.RawMessage("{}")
	}
	return setMember("traits", traits, strings.Split(trait, "."), func(old json.RawMessage) (json.RawMessage, error) {
		var text string
		if given(old) {
			if json.Unmarshal(old, &text) != nil {
				return nil, ErrTraitsInvalid.Reasonf("traits.%s must be a text.", trait)
			}
			if parsed, err := ParseEmail(text, s.config.ToASCII); err != nil || parsed != email {
				return nil, ErrTraitsInvalid.Reasonf("traits.%s is not the address in email; leave it out.", trait)
			}
		}
		return json.Marshal(email)
	})
}

// setMember rewrites the member of a nested object that path leads to, and
// leaves all others as they are, byte for byte. At is where the object is, for the
// error.
func setMember(at string, raw json.RawMessage, path []string, set func(json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	if len(path) == 0 {
		return set(raw)
	}
	members, ok := object(raw)
	if !ok {
		return nil, ErrTraitsInvalid.Reasonf("%s must be an object.", at)
	}
	member, err := setMember(at+"."+path[0], members[path[0]], path[1:], set)
	if err != nil {
		return nil, err
	}
	members[path[0]] = member
	return json.Marshal(members)
}

// object reads the members of a JSON object; nothing reads as an empty one.
func object(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	members := make(map[string]json.RawMessage)
	if !given(raw) {
		return members, true
	}
	err := json.Unmarshal(raw, &members)
	return members, err == nil
}

func isObject(raw json.RawMessage) bool {
	_, ok := object(raw)
	return ok
}

// sameJSON compares by value, numbers to the digit.
func sameJSON(a, b json.RawMessage) bool { return reflect.DeepEqual(jsonValue(a), jsonValue(b)) }

func jsonValue(raw json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if len(raw) > 0 && d.Decode(&v) != nil {
		return &v // equal to nothing
	}
	return v
}
