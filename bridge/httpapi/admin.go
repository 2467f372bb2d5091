package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
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

func (a *API) invite(w http.ResponseWriter, r *http.Request) error {
	var body inviteBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	request, err := body.request()
	if err != nil {
		return err
	}
	o, err := a.service.Invite(r.Context(), request)
	if err != nil {
		return err
	}
	annotate(r, func(n *requestNotes) { n.invitation = o.Invitation.ID.String() })
	code := http.StatusOK
	if o.Created {
		code = http.StatusCreated
	}
	w.Header().Set("Location", a.config.BasePath+"/"+o.Invitation.ID.String())
	issued := wireIssued(o)
	issued.ExternalID, issued.OrganizationID = request.ExternalID, request.OrganizationID
	writeJSON(w, code, issued)
	return nil
}

func (a *API) get(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	inv, err := a.service.Get(r.Context(), id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, inv.View())
	return nil
}

func (a *API) resend(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	o, err := a.service.Resend(r.Context(), id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, wireIssued(o))
	return nil
}

func (a *API) revoke(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	inv, err := a.service.Revoke(r.Context(), id)
	if err != nil {
		return err
	}
	code := http.StatusOK
	if inv.State == bridge.StatePending { // an acceptance is running; it is revoked unless that succeeds
		code = http.StatusAccepted
	}
	writeJSON(w, code, inv.View())
	return nil
}

// pathID returns the invitation id in the path.
//
// Errors: ErrNotFound if it is malformed.
func pathID(r *http.Request) (uuid.UUID, error) {
	id, ok := parseID(r)
	if !ok {
		return uuid.Nil, bridge.ErrNotFound
	}
	annotate(r, func(n *requestNotes) { n.invitation = id.String() })
	return id, nil
}

// parseID returns the id in the path. It accepts only the canonical spelling.
func parseID(r *http.Request) (uuid.UUID, bool) {
	text := chi.URLParam(r, "id")
	id, err := uuid.Parse(text)
	return id, err == nil && id.String() == text
}
