package httpapi

import (
	"net/http"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// messages lists the outbox.
func (a *API) messages(w http.ResponseWriter, r *http.Request) error {
	return a.listMessages(w, r, uuid.Nil)
}

// invitationMessages lists the messages of one invitation.
func (a *API) invitationMessages(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	return a.listMessages(w, r, id)
}

func (a *API) listMessages(w http.ResponseWriter, r *http.Request, invitation uuid.UUID) error {
	p, err := parsePage(r, "state")
	if err != nil {
		return err
	}
	state, err := oneOf(p.values, "state", bridge.MessageStates())
	if err != nil {
		return err
	}
	page, next, err := a.service.Messages(r.Context(), bridge.MessageQuery{
		State: state, InvitationID: invitation, Before: p.before, Limit: p.size,
	})
	if err != nil {
		return err
	}
	writePage(w, r, p, page, next, wireMessage)
	return nil
}

func (a *API) message(w http.ResponseWriter, r *http.Request) error {
	id, ok := parseID(r)
	if !ok {
		return bridge.ErrMessageNotFound
	}
	m, err := a.service.Message(r.Context(), id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, wireAttempts(m))
	return nil
}

func (a *API) retryMessage(w http.ResponseWriter, r *http.Request) error {
	id, ok := parseID(r)
	if !ok {
		return bridge.ErrMessageNotFound
	}
	m, err := a.service.RetryMessage(r.Context(), id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, wireAttempts(m))
	return nil
}
