package bridge

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// change is what the entries of one update have in common. It is made before the
// transaction, which may run more than once.
type change struct {
	acting
	at        time.Time
	entries   uuid.UUID // from which the ids of entries are derived
	messages  uuid.UUID // likewise of their messages
	endpoints []string  // that get each entry
}

func (s *Service) newChange(ctx context.Context) change {
	c := change{acting: actingIn(ctx), at: s.now(), entries: s.newID()}
	if s.config.EndpointsFor != nil {
		c.endpoints = s.config.EndpointsFor(EventHistoryEntry)
	}
	if len(c.endpoints) > 0 {
		c.messages = s.newID()
	}
	return c
}

// history collects the entries of one run of a transaction, and the invitations as they
// were after each.
type history struct {
	change
	list   []HistoryEntry
	states []Invitation
}

// note adds the entries of a change of an invitation.
func (h *history) note(before, after Invitation) {
	for _, action := range actions(before, after) {
		h.add(action, after)
	}
}

// noteToken adds the entry of a token that was issued to a caller, unless that has
// another entry.
func (h *history) noteToken(r TokenRecord, inv func(uuid.UUID) (Invitation, error)) error {
	if r.Channel != ChannelAPI || h.has(r.InvitationID) {
		return nil
	}
	after, err := inv(r.InvitationID)
	if err == nil {
		h.add(ActionTokenIssued, after)
	}
	return err
}

func (h *history) has(invitation uuid.UUID) bool {
	return slices.ContainsFunc(h.list, func(e HistoryEntry) bool { return e.InvitationID == invitation })
}

func (h *history) add(action Action, after Invitation) {
	by := h.attribute(action, after)
	h.list = append(h.list, HistoryEntry{
		ID: nth(h.entries, len(h.list)), InvitationID: after.ID, At: h.at, Action: action, By: by.by, RequestID: by.requestID,
	})
	if len(h.endpoints) > 0 {
		h.states = append(h.states, after)
	}
}

// forget drops the entries of an invitation that is deleted.
func (h *history) forget(invitation uuid.UUID) {
	var list []HistoryEntry
	var states []Invitation
	for i, e := range h.list {
		if e.InvitationID == invitation {
			continue
		}
		list = append(list, e)
		if len(h.states) > 0 {
			states = append(states, h.states[i])
		}
	}
	h.list, h.states = list, states
}

// write writes the entries, and a message about each for each endpoint.
func (h *history) write(tx Tx) error {
	if len(h.list) == 0 {
		return nil
	}
	if err := tx.AppendHistory(h.list...); err != nil {
		return err
	}
	for i := range h.states {
		p := payload(EventHistoryEntry, h.states[i], h.at)
		p.Data.Entry = &h.list[i]
		for n, endpoint := range h.endpoints {
			err := tx.PutMessage(Message{
				ID: nth(h.messages, i*len(h.endpoints)+n), Endpoint: endpoint, InvitationID: h.list[i].InvitationID, State: MessageQueued,
				Payload: p, CreatedAt: h.at, UpdatedAt: h.at, DueAt: h.at, Since: h.at,
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
