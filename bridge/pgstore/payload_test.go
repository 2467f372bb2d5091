package pgstore

import (
	"context"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// TestPayloadOfLaterRelease: what a later release has added to an event stays there when
// this release delivers it.
func TestPayloadOfLaterRelease(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	inv := sample(1)
	put(t, s, inv)
	m := bridge.Message{ID: inv.ID, Endpoint: "crm", InvitationID: inv.ID, State: bridge.MessageQueued}
	update := func(fn func(bridge.Tx) error) {
		t.Helper()
		if err := s.Update(context.Background(), fn); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx bridge.Tx) error { return tx.PutMessage(m) })
	execute(t, dsn, `UPDATE invitebridge.messages SET payload = (payload::jsonb || '{"later":1}')::json`)
	update(func(tx bridge.Tx) error {
		current, err := tx.Message(m.ID)
		if err == nil {
			current.Tries++
			err = tx.PutMessage(current)
		}
		return err
	})
	var payload string
	const query = "SELECT payload::text FROM invitebridge.messages"
	if err := connect(t, dsn).QueryRow(t.Context(), query).Scan(&payload); err != nil || !strings.Contains(payload, "later") {
		t.Errorf("the payload is %s (%v)", payload, err)
	}
}
