package httpapi

import (
	"crypto/sha256"
	"net/http"
	"strings"

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
	key := keyOf(r)
	if err := key.checkInvite(request); err != nil {
		return err
	}
	if request.Idempotent, err = idempotencyKey(r, key.Name, "invite"); err != nil {
		return err
	}
	request.Content = sha256.Sum256(raw)
	request.CreatedBy, request.NoToken, request.MaxPending = key.creator(), !key.may(ScopeLink), key.MaxPending
	o, err := a.service.Invite(r.Context(), request)
	if err != nil {
		return err
	}
	code := invited(w, r, o, a.config.BasePath)
	issued := wireIssued(o, key)
	issued.ExternalID, issued.OrganizationID = request.ExternalID, request.OrganizationID
	writeJSON(w, code, issued)
	return nil
}

// invited notes an invitation for the log, says where it is below a path, and returns the
// status of the response.
func invited(w http.ResponseWriter, r *http.Request, o bridge.IssuedInvitation, below string) int {
	id := o.Invitation.ID.String()
	annotate(r, func(n *requestNotes) { n.invitation = id })
	w.Header().Set("Location", below+"/"+id)
	if o.Created {
		return http.StatusCreated
	}
	return http.StatusOK
}

func (a *API) get(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.invitation(r, ScopeRead, ScopeManage)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, inv.View())
	return nil
}

func (a *API) resend(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.invitation(r, ScopeManage)
	if err != nil {
		return err
	}
	key := keyOf(r)
	if inv.Origin == bridge.OriginReactivated && !key.may(ScopeReactivate) {
		return forbidden("resend an invitation that hands over an account", ScopeReactivate)
	}
	p := bridge.ResendParams{NoToken: !key.may(ScopeLink)}
	if inv.CreatedBy == key.creator() { // the limit of another creator is not known here
		p.MaxPending = key.MaxPending
	}
	o, err := a.service.ResendWith(r.Context(), inv.ID, p)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, wireIssued(o, key))
	return nil
}

func (a *API) revoke(w http.ResponseWriter, r *http.Request) error {
	inv, err := a.invitation(r, ScopeManage)
	if err != nil {
		return err
	}
	return a.revokeOne(w, r, inv)
}

func (a *API) revokeOne(w http.ResponseWriter, r *http.Request, inv bridge.Invitation) error {
	inv, err := a.service.Revoke(r.Context(), inv.ID)
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

func (a *API) forget(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		if !strings.Contains(allowedMethods(chi.RouteContext(r.Context()).Routes, r), r.Method) {
			return methodNotAllowed(w, r) // the router takes the path of a list for an id
		}
		return err
	}
	f, err := a.service.Forget(r.Context(), id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, f)
	return nil
}

// invitation returns the invitation in the path. A key with none of the scopes has only
// those that it has created.
//
// Errors: ErrNotFound.
func (a *API) invitation(r *http.Request, all ...Scope) (bridge.Invitation, error) {
	id, err := pathID(r)
	if err != nil {
		return bridge.Invitation{}, err
	}
	return a.service.GetBy(r.Context(), keyOf(r).onlyOwn(all...), id)
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
