package bridge

import (
	"time"

	"github.com/google/uuid"
)

// View gives an invitation as the world sees it.
func (i Invitation) View() View {
	return View{
		ID: i.ID, Email: i.Email, State: i.State, IdentityID: i.IdentityID, Origin: i.Origin, SchemaID: i.SchemaID,
		InviterID: i.InviterID, InviterName: i.InviterName, InviterEmail: i.InviterEmail,
		Locale: i.Locale, TimeZone: i.TimeZone, Traits: i.Traits, ReturnTo: i.ReturnTo,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, ExpiresAt: i.ExpiresAt,
		AcceptedAt: i.AcceptedAt, RevokedAt: i.RevokedAt, RevokeRequestedAt: i.RevokeRequestedAt, Cleaned: i.Cleaned,
		SentAt: i.SentAt, SendCount: i.SendCount, Delivery: i.Delivery,
	}
}

func payload(event Event, inv Invitation, at time.Time) Payload {
	return Payload{Type: event, Timestamp: at, Data: PayloadData{Invitation: inv.View(), IdentityID: inv.IdentityID}}
}

// telling is a set of messages about one event, ready to be written in the
// transaction of the change that they tell of. Their ids are minted before it,
// because a transaction may run more than once.
type telling struct {
	event      Event
	endpoints  []string
	ids        []uuid.UUID
	unaccepted Unaccepted
}

// tell prepares the messages of an event, one for each endpoint that wants it.
func (s *Service) tell(event Event) telling {
	t := telling{event: event, unaccepted: s.config.Unaccepted}
	if s.config.Endpoints == nil {
		return t
	}
	t.endpoints = s.config.Endpoints(event)
	for range t.endpoints {
		t.ids = append(t.ids, uuid.Must(uuid.NewV7()))
	}
	return t
}

// write enqueues the messages, save those for which skip is true.
func (t telling) write(tx Tx, p Payload, skip func(endpoint string) bool) error {
	for i, endpoint := range t.endpoints {
		if skip != nil && skip(endpoint) {
			continue
		}
		err := tx.PutMessage(Message{
			ID: t.ids[i], Endpoint: endpoint, InvitationID: p.Data.Invitation.ID, State: MessageQueued, Payload: p,
			CreatedAt: p.Timestamp, UpdatedAt: p.Timestamp, DueAt: p.Timestamp, Since: p.Timestamp,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// change writes an invitation and, if its state is now another, enqueues the
// event of that. It decides with it whether the identity is left over.
func (t telling) change(tx Tx, before, after Invitation, now time.Time) error {
	if before.State != after.State {
		after = after.leave(t.unaccepted, now)
	}
	if err := tx.PutInvitation(after); err != nil || before.State == after.State {
		return err
	}
	p := payload(t.event, after, now)
	switch after.State {
	case StateRevoked:
		p.Data.Reason = after.Reason
	case StateAccepted:
		p.Data.Late = before.State != StatePending
	case StatePending, StateExpired:
	}
	return t.write(tx, p, nil)
}

// wake has the workers look at the endpoints of what was committed.
func (s *Service) wake(tellings ...telling) {
	if s.config.Wake == nil {
		return
	}
	for _, t := range tellings {
		for _, endpoint := range t.endpoints {
			s.config.Wake(endpoint)
		}
	}
}

// ends prepares for both ends that a claim can come to.
type ends struct{ accepted, revoked telling }

func (s *Service) tellEnd() ends {
	return ends{accepted: s.tell(EventPostPassword), revoked: s.tell(EventInvitationRevoked)}
}

func (e ends) change(tx Tx, before, after Invitation, now time.Time) error {
	if after.State == StateAccepted {
		return e.accepted.change(tx, before, after, now)
	}
	return e.revoked.change(tx, before, after, now)
}
