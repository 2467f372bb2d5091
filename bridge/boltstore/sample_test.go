package boltstore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// sample returns the n-th invitation of a realistic store, with a thousand
// inviters and all texts set, and the digest of its token. The id contains the
// creation time, as a UUIDv7 does.
func sample(n int) (bridge.Invitation, bridge.Digest) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(n) * 700 * time.Millisecond)
	id := uuid.UUID(sum[:16])
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16|0x7000|uint64(id[7]))
	inviter := n % 1000
	return bridge.Invitation{
		ID:                id,
		State:             bridge.StatePending,
		Email:             fmt.Sprintf("person.%d@department-%d.example.com", n, n%50),
		IdentityID:        uuid.UUID(sum[16:]),
		SchemaID:          "employee",
		InviterID:         fmt.Sprintf("0197a3c2-0000-7000-8000-%012d", inviter),
		InviterName:       fmt.Sprintf("Inviter %d of the Company", inviter),
		Locale:            "en",
		ReturnTo:          "https://app.example.com/welcome",
		Lifespan:          168 * time.Hour,
		Delivery:          "email",
		CreatedAt:         at,
		UpdatedAt:         at,
		ExpiresAt:         at.Add(168 * time.Hour),
		InviteeNotifiedAt: at,
	}, sum
}

// invite writes what Service.Invite does: an invitation and its API token.
func invite(tx bridge.Tx, n int) error {
	inv, d := sample(n)
	if err := tx.PutInvitation(inv); err != nil {
		return err
	}
	return tx.PutToken(d, bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI})
}

func inviting(n int) func(bridge.Tx) error {
	return func(tx bridge.Tx) error { return invite(tx, n) }
}

// sampleImport is an import with a group that is begun.
func sampleImport() bridge.Import {
	inv, _ := sample(0)
	id := inv.ID
	id[15] ^= 1
	return bridge.Import{
		ID: id, State: bridge.ImportRunning, CreatedAt: inv.CreatedAt, UpdatedAt: inv.UpdatedAt, DueAt: inv.ExpiresAt, Rows: sampleRows,
		Groups: []bridge.RowGroup{{Count: sampleRows, Due: inv.CreatedAt}},
	}
}

const sampleRows = 60

// sampleRow returns a row of the import, one of three with a result.
func sampleRow(n int) bridge.ImportRow {
	inv, _ := sample(n)
	row := bridge.ImportRow{
		Index: n, Line: n + 2, Key: "employee " + inv.Email, InvitationID: inv.ID,
		Body: json.RawMessage(fmt.Sprintf(`{"email":%q,"locale":"en","traits":{"name":{"first":"Person","last":"Number %d"}}}`, inv.Email, n)),
	}
	if n%3 == 0 {
		row.Result = bridge.ResultInvited
	}
	return row
}

// sampleRequest returns the n-th idempotent request.
func sampleRequest(n int) bridge.IdempotentRequest {
	inv, d := sample(n)
	return bridge.IdempotentRequest{Key: d, Body: bridge.Digest{byte(n)}, ID: inv.ID, Created: true, At: inv.CreatedAt}
}

// importing stores the import, its rows, a message about it, and as many requests.
func importing(tx bridge.Tx) error {
	i := sampleImport()
	err := tx.PutImport(i)
	for n := range sampleRows {
		err = errors.Join(err, tx.PutImportRows(i.ID, sampleRow(n)), tx.PutIdempotentRequest(sampleRequest(n)))
	}
	return errors.Join(err, tx.PutMessage(importMessage()))
}

// importMessage returns a message about the import.
func importMessage() bridge.Message {
	i := sampleImport()
	id := i.ID
	id[15] ^= 2
	return bridge.Message{
		ID: id, Endpoint: "crm", ImportID: i.ID, State: bridge.MessageQueued, CreatedAt: i.CreatedAt, UpdatedAt: i.CreatedAt, DueAt: i.CreatedAt, Since: i.CreatedAt,
		Payload: bridge.Payload{Type: bridge.EventImportFinished, Timestamp: i.CreatedAt},
	}
}
