package httpapi

import (
	"crypto/sha256"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"invitebridge/bridge"
)

func (a *API) invite(w http.ResponseWriter, r *http.Request) error {
	var body inviteBody
	raw, err := decodeRaw(w, r, &body)
	if err != nil {
		return err
	}
	request, err := body.request()
	if err != nil {
		return err
	}
	if err := keyOf(r).checkInvite(request); err != nil {
		return err
	}
	if request.Idempotent, err = idempotencyKey(r, "invite"); err != nil {
		return err
	}
	request.Content = sha256.Sum256(raw)
	request.OnlyNew = !keyOf(r).may(ScopeLink)
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
	issued := wireIssued(o, keyOf(r))
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
	if err := a.checkResend(r, id); err != nil {
		return err
	}
	o, err := a.service.Resend(r.Context(), id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, wireIssued(o, keyOf(r)))
	return nil
}

// checkResend returns the ErrForbidden of a resend that hands over an account, if the key
// may not invite to one. The origin of an invitation never changes.
func (a *API) checkResend(r *http.Request, id uuid.UUID) error {
	if keyOf(r).may(ScopeReactivate) {
		return nil
	}
	inv, err := a.service.Get(r.Context(), id)
	if err == nil && inv.Origin == bridge.OriginReactivated {
		err = forbidden("resend an invitation that hands over an account", ScopeReactivate)
	}
	return err
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
