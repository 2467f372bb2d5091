package storetest

import (
	"fmt"
	"slices"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// queuedMessage makes the next message, with a higher id than all before it.
func (b *fixture) queuedMessage(inv bridge.Invitation) bridge.Message {
	b.made++
	at := epoch.Add(time.Duration(b.made) * time.Second)
	return bridge.Message{
		ID:           idAt(at, b.made),
		Endpoint:     "crm",
		InvitationID: inv.ID,
		State:        bridge.MessageQueued,
		Payload: bridge.Payload{
			Type: bridge.EventInvitationRevoked, Timestamp: at, Data: bridge.PayloadData{Invitation: inv.View()},
		},
		CreatedAt: at,
		UpdatedAt: at,
		DueAt:     at,
		Since:     at,
	}
}

// fullMessage makes a message with every field set, including its payload's.
func (b *fixture) fullMessage(inv bridge.Invitation) bridge.Message {
	m := b.queuedMessage(inv)
	at := m.CreatedAt
	m.Endpoint = bridge.EndpointCourier
	m.UpdatedAt, m.DueAt, m.Since = at.Add(time.Microsecond), at.Add(time.Minute), at.Add(time.Second)
	m.Tries = 2
	m.Claim = &bridge.MessageClaim{ID: uuid.UUID{4, 5, 6}, Until: at.Add(time.Hour)}
	m.Attempts = []bridge.Attempt{
		{At: at.Add(2 * time.Second), Took: 1500 * time.Millisecond, Outcome: bridge.AttemptRetry, Status: 503, Detail: "the receiver is unavailable"},
		{At: at.Add(5 * time.Minute), Took: time.Nanosecond, Outcome: bridge.AttemptFailed, Status: 410, Detail: "the receiver is gone"},
	}
	view := b.fullInvitation().View()
	view.ID = inv.ID
	m.Payload = bridge.Payload{Type: bridge.EventDeliveryFailed, Timestamp: at.Add(-time.Microsecond), Data: bridge.PayloadData{
		Invitation: view, IdentityID: uuid.UUID{7, 8, 9}, Token: "token", Link: "https://app.example.com/?a=b&c=d",
		Message: &bridge.FailedMessage{ID: uuid.UUID{10, 11}, Event: bridge.EventTokenCreated, Endpoint: "chat", Detail: "it refused"},
	}}
	return m
}

// owners makes and stores invitations that messages can belong to.
func (b *fixture) owners(count int) (list []bridge.Invitation) {
	b.Helper()
	for range count {
		list = append(list, b.invitation())
	}
	b.put(list...)
	return list
}

// mixedMessages makes messages in every state, claimed and not, for several
// endpoints and for each owner in turn. No two have the same NextAttemptAt, and
// neither ids nor the order of writing determine its order.
func (b *fixture) mixedMessages(owners []bridge.Invitation, count int) (list []bridge.Message) {
	states := bridge.MessageStates()
	for i := range count {
		m := b.queuedMessage(owners[i%len(owners)])
		m.State = states[i/len(owners)%len(states)]
		m.Endpoint = fmt.Sprint("endpoint-", i%3)
		m.DueAt = epoch.Add(time.Duration(i*7919%count) * time.Minute)
		if i%7 < 3 {
			// Some leases end before the message is due, some long after.
			until := m.DueAt.Add(time.Duration(i%7-1)*12*time.Hour + time.Duration(i%7+1)*time.Second)
			m.Claim = &bridge.MessageClaim{ID: uuid.UUID{byte(i)}, Until: until}
		}
		list = append(list, m)
	}
	return list
}

func messagesOf(inv bridge.Invitation, stored []bridge.Message) []bridge.Message {
	return slices.DeleteFunc(slices.Clone(stored), func(m bridge.Message) bool { return m.InvitationID != inv.ID })
}

func without(stored []bridge.Message, invitation uuid.UUID) []bridge.Message {
	return slices.DeleteFunc(slices.Clone(stored), func(m bridge.Message) bool { return m.InvitationID == invitation })
}

func (b *fixture) putMessages(list ...bridge.Message) {
	b.Helper()
	b.update(putAllMessages(list...))
}

func putAllMessages(list ...bridge.Message) func(bridge.Tx) error {
	return func(tx bridge.Tx) error {
		for _, m := range list {
			if err := tx.PutMessage(m); err != nil {
				return fmt.Errorf("put %s: %w", m.ID, err)
			}
		}
		return nil
	}
}

// message reads a message that must exist.
func (b *fixture) message(id uuid.UUID) (m bridge.Message) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		m, err = tx.Message(id)
		return err
	})
	return m
}

func (b *fixture) queue(endpoint string, limit int) (list []bridge.Message) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		list, err = tx.QueuedMessages(endpoint, limit)
		return err
	})
	return list
}

func (b *fixture) messages(q bridge.MessageQuery) (list []bridge.Message) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		list, err = tx.ListMessages(q)
		return err
	})
	return list
}
