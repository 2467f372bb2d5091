package pgstore

import (
	"context"
	"errors"
	"testing"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

// unusual are texts that PostgreSQL refuses, or that could be confused with others.
var unusual = []string{"a\x00b", "a\x01\x02b", "a\x01b", "a\x01\x01b", "\x00", "\x01", "\x02", `a\u0000b`, "a", "ab", "\x00\x01\x02\x00"}

// TestTexts: every text comes back as it was, in every column, and is found by itself
// alone.
func TestTexts(t *testing.T) {
	s := open(t, newDatabase(t))
	all := map[string]bridge.Invitation{}
	for i, text := range unusual {
		inv := sample(i + 1)
		inv.Email, inv.SchemaID, inv.InviterID, inv.InviterName, inv.InviterEmail = text, text, text, text, text
		inv.Locale, inv.TimeZone, inv.ReturnTo, inv.Delivery, inv.Reason = text, text, text, bridge.DeliveryStatus(text), bridge.Reason(text)
		inv.Origin, inv.Leftover = bridge.Origin(text), bridge.Leftover(text)
		inv.Identifiers, inv.Addresses, inv.Cleaned = []string{text, ""}, []string{"", text}, []string{text}
		inv.Traits = map[string]string{text: text}
		inv.Baseline = &bridge.Baseline{Credentials: []bridge.Credential{{Type: text, Identifiers: []string{text}}}}
		put(t, s, inv)
		all[text] = inv
	}
	for text, want := range all {
		err := s.View(context.Background(), func(tx bridge.Tx) error {
			byID, err := tx.Invitation(want.ID)
			pending, pendingErr := tx.PendingInvitation(text, text)
			list, listErr := tx.ListInvitations(bridge.InvitationQuery{Email: text, InviterID: text, Limit: 9})
			for what, got := range map[string]any{"by id": byID, "pending": pending} {
				if diff := cmp.Diff(any(want), got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%q %s (-want +got):\n%s", text, what, diff)
				}
			}
			if len(list) != 1 || list[0].ID != want.ID {
				t.Errorf("%q: listed %d", text, len(list))
			}
			return errors.Join(err, pendingErr, listErr)
		})
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestTexts_messages is TestTexts for messages and their attempts.
func TestTexts_messages(t *testing.T) {
	s := open(t, newDatabase(t))
	inv := sample(1)
	put(t, s, inv)
	for i, text := range unusual {
		want := bridge.Message{
			ID: uuid.UUID{15: byte(i + 1)}, InvitationID: inv.ID, State: bridge.MessageQueued, Endpoint: text, CreatedAt: inv.CreatedAt,
			Attempts: []bridge.Attempt{{At: inv.CreatedAt, Outcome: bridge.AttemptOutcome(text), Detail: text}},
		}
		want.Payload.Type, want.Payload.Data.Invitation.InviterName = bridge.EventInvitationRevoked, text
		if err := s.Update(context.Background(), func(tx bridge.Tx) error { return tx.PutMessage(want) }); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		err := s.View(context.Background(), func(tx bridge.Tx) error {
			list, err := tx.QueuedMessages(text, 9)
			if diff := cmp.Diff([]bridge.Message{want}, list, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%q (-want +got):\n%s", text, diff)
			}
			return err
		})
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestInvalidTexts: a text that is not valid UTF-8 is refused without a statement, so
// the transaction stays usable.
func TestInvalidTexts(t *testing.T) {
	s := open(t, newDatabase(t))
	const invalid = "a\xffb"
	inv := sample(1)
	err := s.Update(context.Background(), func(tx bridge.Tx) error {
		if err := tx.PutInvitation(inv); err != nil {
			return err
		}
		bad := sample(2)
		bad.InviterName = invalid
		stateless, nameless := sample(3), sample(4)
		stateless.State, nameless.ID = "open", uuid.Nil
		m := bridge.Message{ID: uuid.UUID{1}, InvitationID: inv.ID, State: bridge.MessageQueued, Endpoint: invalid}
		tried := bridge.Message{ID: uuid.UUID{1}, InvitationID: inv.ID, State: bridge.MessageQueued, Attempts: []bridge.Attempt{{Detail: invalid}}}
		for what, err := range map[string]error{
			"invitation": tx.PutInvitation(bad),
			"state":      tx.PutInvitation(stateless),
			"id":         tx.PutInvitation(nameless),
			"token":      tx.PutToken(bridge.Digest{1}, bridge.TokenRecord{InvitationID: inv.ID, Channel: invalid}),
			"message":    tx.PutMessage(m),
			"attempt":    tx.PutMessage(tried),
		} {
			if err == nil {
				t.Errorf("%s: no error", what)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if got := epochOf(t, s, inv.ID); got != 0 {
		t.Error("the invitation was not stored")
	}
}
