package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

var rewrite = flag.Bool("update", false, "rewrite the golden files")

// TestGolden pins the data at rest: the names in values and the layout of keys. A
// difference means that existing files can no longer be read: raise the format
// and convert them, or undo the change.
func TestGolden(t *testing.T) {
	s := fresh(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	plain := bridge.Invitation{
		ID: uuid.MustParse("0197a3c2-1111-7000-8000-000000000001"), State: bridge.StatePending, Email: "plain@example.com",
		SchemaID: "default", Lifespan: time.Hour, Delivery: bridge.DeliveryOff, CreatedAt: at, UpdatedAt: at, ExpiresAt: at.Add(time.Hour),
	}
	full := bridge.Invitation{
		ID: uuid.MustParse("0197a3c2-2222-7000-8000-000000000002"), State: bridge.StatePending, Email: "full@example.com",
		IdentityID: uuid.MustParse("6f9619ff-8b86-4011-b42d-00c04fc964ff"), SchemaID: "employee",
		InviterID: "ann", InviterName: "Ann <Inviter>", InviterEmail: "ann@example.com", Locale: "de-AT", TimeZone: "Europe/Vienna",
		Traits: map[string]string{"name.first": "Full"}, ReturnTo: "https://app.example.com/?a=b&c=d",
		Lifespan: 168 * time.Hour, Delivery: "email", Epoch: 2, CreatedAt: at, UpdatedAt: at.Add(time.Second), ExpiresAt: at.Add(168 * time.Hour),
		AcceptedAt: at.Add(2 * time.Second), RevokedAt: at.Add(3 * time.Second), InviteeNotifiedAt: at.Add(4 * time.Second),
		SentAt: at.Add(6 * time.Second), SendCount: 3, Reason: bridge.ReasonInUse,
		Origin: bridge.OriginReactivated, Identifiers: []string{"full"}, Addresses: []string{"full@example.org"},
		ImportID:  uuid.MustParse("0197a3c2-7777-7000-8000-000000000007"),
		CreatedBy: bridge.ByKey("backend <1>"), Method: bridge.AcceptKratos,
		Baseline:          &bridge.Baseline{StateChangedAt: at.Add(789), Credentials: []bridge.Credential{{Type: "oidc", Identifiers: []string{"idp:1"}}}},
		RevokeRequestedAt: at.Add(7 * time.Second), UnresolvedUntil: at.Add(8 * time.Second), CleaningBeganAt: at.Add(9 * time.Second),
		Cleaned: []string{"password", "sessions"}, CheckAt: at.Add(10 * time.Second), Checks: 2,
		Claim: &bridge.Claim{
			ID: uuid.MustParse("11111111-2222-4333-8444-555555555555"), Until: at.Add(time.Minute), UnresolvedSince: at.Add(5 * time.Second),
			CheckAt: at.Add(6 * time.Second), Checks: 1,
		},
	}
	reminded := plain
	reminded.ID, reminded.Email = uuid.MustParse("0197a3c2-1212-7000-8000-000000000007"), "reminded@example.com"
	reminded.Reminders, reminded.RemindAt, reminded.ReminderCount = []time.Duration{45 * time.Minute, 30 * time.Minute}, at.Add(30*time.Minute), 1
	ended := plain
	ended.ID, ended.State = uuid.MustParse("0197a3c2-3333-7000-8000-000000000003"), bridge.StateRevoked
	ended.IdentityID, ended.Leftover, ended.CheckAt = full.IdentityID, bridge.LeftoverDue, at.Add(time.Hour)
	token := bridge.TokenRecord{InvitationID: full.ID, Channel: bridge.ChannelAPI, Epoch: 2}
	claimed := bridge.Message{
		ID: uuid.MustParse("0197a3c2-4444-7000-8000-000000000004"), Endpoint: bridge.EndpointCourier, InvitationID: full.ID, State: bridge.MessageQueued,
		Payload:   bridge.Payload{Type: bridge.EventTokenCreated, Timestamp: at, Data: bridge.PayloadData{Invitation: full.View(), IdentityID: full.IdentityID}},
		CreatedAt: at, UpdatedAt: at.Add(time.Second), DueAt: at, Since: at, Tries: 1,
		Claim: &bridge.MessageClaim{ID: uuid.MustParse("66666666-7777-4888-8999-aaaaaaaaaaaa"), Until: at.Add(time.Minute)},
	}
	failed := bridge.Message{
		ID: uuid.MustParse("0197a3c2-5555-7000-8000-000000000005"), Endpoint: "crm", InvitationID: ended.ID, State: bridge.MessageFailed,
		Payload:   bridge.Payload{Type: bridge.EventInvitationRevoked, Timestamp: at, Data: bridge.PayloadData{Invitation: ended.View()}},
		CreatedAt: at, UpdatedAt: at.Add(10 * time.Second), DueAt: at.Add(5 * time.Second), Since: at, Tries: 2,
		Attempts: []bridge.Attempt{
			{At: at, Took: 1500 * time.Millisecond, Outcome: bridge.AttemptRetry, Detail: "no answer"},
			{At: at.Add(5 * time.Second), Took: time.Second, Outcome: bridge.AttemptFailed, Status: 404, Detail: "not <there>"},
		},
	}
	queued := bridge.Message{
		ID: uuid.MustParse("0197a3c2-6666-7000-8000-000000000006"), Endpoint: "chat", InvitationID: ended.ID, State: bridge.MessageQueued,
		Payload: bridge.Payload{Type: bridge.EventDeliveryFailed, Timestamp: at, Data: bridge.PayloadData{
			Invitation: ended.View(),
			Message:    &bridge.FailedMessage{ID: failed.ID, Event: failed.Payload.Type, Endpoint: failed.Endpoint, Detail: "not <there>"},
		}},
		CreatedAt: at, UpdatedAt: at, DueAt: at.Add(time.Hour), Since: at,
	}
	entry := bridge.HistoryEntry{
		ID: uuid.MustParse("0197a3c2-abab-7000-8000-00000000000a"), InvitationID: full.ID, At: at, Action: bridge.ActionInvited,
		By: full.CreatedBy.Actor(), RequestID: "r-1",
	}
	swept := bridge.HistoryEntry{
		ID: uuid.MustParse("0197a3c2-abab-7000-8000-00000000000b"), InvitationID: full.ID, At: at.Add(time.Second), Action: bridge.ActionExpired,
		By: bridge.Actor{Kind: bridge.ActorBridge},
	}
	audit := queued
	audit.ID, audit.Endpoint = uuid.MustParse("0197a3c2-6666-7000-8000-00000000000c"), "audit"
	audit.Payload = bridge.Payload{Type: bridge.EventHistoryEntry, Timestamp: at, Data: bridge.PayloadData{Invitation: ended.View(), Entry: &entry}}
	update(t, s, func(tx bridge.Tx) error {
		return errors.Join(tx.PutInvitation(plain), tx.PutInvitation(full), tx.PutInvitation(ended), tx.PutInvitation(reminded), tx.PutToken(bridge.Digest{1, 2, 3}, token),
			tx.PutMessage(claimed), tx.PutMessage(failed), tx.PutMessage(queued), tx.AppendHistory(entry, swept), tx.PutMessage(audit), goldenImports(at)(tx))
	})

	var text bytes.Buffer
	err := s.db.View(func(tx *bbolt.Tx) error {
		for b, l := range layout {
			if bucket(b) == headerBucket {
				continue
			}
			_ = bucket(b).in(tx).ForEach(func(k, v []byte) error {
				value := fmt.Sprintf("%x", v)
				if json.Valid(v) {
					value = string(v)
				}
				_, err := fmt.Fprintf(&text, "%s %x = %s.\n", l.name, k, value)
				return err
			})
			if l.counted {
				fmt.Fprintf(&text, "%s counts %d.\n", l.name, bucket(b).in(tx).Sequence())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "rows.txt", text.Bytes())

	h, err := json.Marshal(Header{Program: program, Format: format, InstanceID: full.ID, CreatedAt: at})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "header.json", append(h, '\n'))
}

// goldenImports puts two imports, the rows of one, a message about it, and an
// idempotent request.
func goldenImports(at time.Time) func(bridge.Tx) error {
	plain := bridge.Import{
		ID: uuid.MustParse("0197a3c2-8888-7000-8000-000000000008"), State: bridge.ImportLoading, CreatedAt: at, UpdatedAt: at,
		Loader: uuid.MustParse("77777777-8888-4999-8aaa-bbbbbbbbbbbb"),
	}
	full := bridge.Import{
		ID: uuid.MustParse("0197a3c2-7777-7000-8000-000000000007"), State: bridge.ImportRunning, DryRun: true, CreatedBy: "school <1>",
		CreatedAt: at, UpdatedAt: at.Add(time.Second), StartAt: at.Add(2 * time.Second), FinishedAt: at.Add(3 * time.Second),
		Defaults: json.RawMessage(`{"locale":"de-AT"}`), Columns: []string{"email", "traits.name"}, Reinvite: []bridge.State{bridge.StateExpired},
		WaveSize: 500, WaveEvery: 24 * time.Hour, WaveLeft: 498, NextWaveAt: at.Add(24 * time.Hour), Rows: 3, Begun: 2,
		Counts: bridge.ImportCounts{Invited: 1, Adopted: 2, AlreadyPending: 3, AlreadyActive: 4, SkippedRevoked: 5, SkippedExpired: 6, Duplicate: 7, Failed: 8},
		Groups: []bridge.RowGroup{{First: 0, Count: 1, Claim: plain.Loader, Until: at.Add(time.Minute), Due: at}, {First: 1, Count: 1, Due: at}},
		DueAt:  at.Add(time.Hour), WaitingFor: bridge.DependencyKratos, Pauses: 3, RateSince: at, RateRows: 1,
	}
	begun := bridge.ImportRow{
		Index: 1, Line: 3, Body: json.RawMessage(`{"email":"begun@example.com"}`), Key: "default begun@example.com", InvitationID: plain.ID,
	}
	failed := bridge.ImportRow{
		Index: 2, Line: 4, Body: json.RawMessage(`{ "email": "<x>" }`), Result: bridge.ResultFailed, ErrorID: "email_invalid", Reason: "The email address is invalid.",
	}
	duplicate := bridge.ImportRow{Index: 300, Line: 302, Body: json.RawMessage(`{}`), Result: bridge.ResultDuplicate, DuplicateOf: 3}
	finished := bridge.Message{
		ID: uuid.MustParse("0197a3c2-9999-7000-8000-000000000009"), Endpoint: "crm", ImportID: full.ID, State: bridge.MessageQueued,
		Payload: bridge.Payload{Type: bridge.EventImportFinished, Timestamp: at, Data: bridge.PayloadData{Import: &bridge.ImportView{
			ID: full.ID, State: bridge.ImportFinished, CreatedBy: bridge.ByKey("backend"), CreatedAt: at, UpdatedAt: at, FinishedAt: at, Rows: 3, Counts: full.Counts, RowsPerSecond: 1.5,
		}}},
		CreatedAt: at, UpdatedAt: at, DueAt: at, Since: at,
	}
	request := bridge.IdempotentRequest{Key: bridge.Digest{4, 5}, Body: bridge.Digest{6}, ID: full.ID, Created: true, At: at}
	return func(tx bridge.Tx) error {
		return errors.Join(tx.PutImport(plain), tx.PutImport(full), tx.PutImportRows(full.ID, begun, failed, duplicate),
			tx.PutMessage(finished), tx.PutIdempotentRequest(request))
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
