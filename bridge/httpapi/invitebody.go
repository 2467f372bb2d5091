package httpapi

import (
	"encoding/json"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"invitebridge/bridge"
)

// inviteBody is the request body of createInvitation.
type inviteBody struct {
	Email          string         `json:"email"`
	IdentityID     *uuid.UUID     `json:"identity_id"`
	ExternalID     string         `json:"external_id"`
	OrganizationID *uuid.UUID     `json:"organization_id"`
	SchemaID       string         `json:"schema_id"`
	Traits         jsontext.Value `json:"traits"`
	MetadataPublic jsontext.Value `json:"metadata_public"`
	MetadataAdmin  jsontext.Value `json:"metadata_admin"`
	InviterID      string         `json:"inviter_id"`
	InviterName    string         `json:"inviter_name"`
	InviterEmail   string         `json:"inviter_email"`
	Locale         string         `json:"locale"`
	TimeZone       string         `json:"timezone"`
	ReturnTo       string         `json:"return_to"`
	ExpiresIn      *string        `json:"expires_in"`
	Reminders      []string       `json:"reminders"` // nil: the configured ones
	Notify         *bool          `json:"notify"`
	Reactivate     bool           `json:"reactivate"`
	KeepAddresses  bool           `json:"keep_addresses"`
}

func (b inviteBody) request() (bridge.InviteRequest, error) {
	r := bridge.InviteRequest{
		Email: b.Email, ExternalID: b.ExternalID, SchemaID: b.SchemaID,
		Traits:         json.RawMessage(b.Traits),
		MetadataPublic: json.RawMessage(b.MetadataPublic),
		MetadataAdmin:  json.RawMessage(b.MetadataAdmin),
		InviterID:      b.InviterID, InviterName: b.InviterName, InviterEmail: b.InviterEmail, Locale: b.Locale, TimeZone: b.TimeZone, ReturnTo: b.ReturnTo,
		Quiet: b.Notify != nil && !*b.Notify, Reactivate: b.Reactivate, KeepAddresses: b.KeepAddresses,
	}
	if b.IdentityID != nil {
		r.IdentityID = *b.IdentityID
	}
	if b.OrganizationID != nil {
		if r.OrganizationID = *b.OrganizationID; r.OrganizationID == uuid.Nil {
			return r, bridge.ErrBadRequest.WithReasonf("organization_id must be the id of an organization.")
		}
	}
	if b.ExpiresIn != nil {
		d, err := time.ParseDuration(*b.ExpiresIn)
		if err != nil || d <= 0 {
			return r, bridge.ErrExpiresInInvalid
		}
		r.ExpiresIn = d
	}
	if b.Reminders != nil {
		r.Reminders = make([]time.Duration, len(b.Reminders))
	}
	for i, text := range b.Reminders {
		d, err := time.ParseDuration(text)
		if err != nil {
			return r, bridge.ErrBadRequest.WithReasonf("reminders must be durations such as \"72h\".")
		}
		r.Reminders[i] = d
	}
	return r, nil
}

// ParseInvite parses the body of createInvitation, as strictly as that operation. Members
// of defaults, which may be empty, apply where the body does not have them.
//
// Errors: bridge.ErrBadRequest, bridge.ErrExpiresInInvalid.
func ParseInvite(defaults, body json.RawMessage) (bridge.InviteRequest, error) {
	var b inviteBody
	for _, part := range []json.RawMessage{defaults, body} {
		if len(part) == 0 {
			continue
		}
		if err := decodeBytes(part, &b); err != nil {
			return bridge.InviteRequest{}, err
		}
	}
	return b.request()
}
