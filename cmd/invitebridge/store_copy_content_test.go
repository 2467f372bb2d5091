package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
)

// putUnusual stores rows of every kind, with texts that databases do not like.
func (c *copying) putUnusual(tx bridge.Tx) error {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	full := bridge.Invitation{
		ID: uuid.MustParse("0197a3c2-2222-7000-8000-000000000002"), State: bridge.StatePending, Email: "full@example.com",
		IdentityID: uuid.MustParse("6f9619ff-8b86-4011-b42d-00c04fc964ff"), SchemaID: "employee",
		InviterID: "ann\x00\x01", InviterName: "Ann <Inviter>\u2028", InviterEmail: "ann@example.com", Locale: "de-AT", TimeZone: "Europe/Vienna",
		Traits: map[string]string{"name.first": "Full\x00", "a": ""}, ReturnTo: "https://app.example.com/?a=b&c=d",
		Lifespan: 168 * time.Hour, Delivery: bridge.DeliverySent, Epoch: 2, CreatedAt: at, UpdatedAt: at.Add(time.Second), ExpiresAt: at.Add(168 * time.Hour),
		AcceptedAt: at.Add(2 * time.Second), RevokedAt: at.Add(3 * time.Second), InviteeNotifiedAt: at.Add(4 * time.Second),
		SentAt: at.Add(6 * time.Second), SendCount: 3, Reason: bridge.ReasonInUse,
		Origin: bridge.OriginReactivated, Identifiers: []string{"full", ""}, Addresses: []string{"full@example.org"},
		Baseline:          &bridge.Baseline{StateChangedAt: at.Add(789), Credentials: []bridge.Credential{{Type: "oidc", Identifiers: []string{"idp:1"}}}},
		RevokeRequestedAt: at.Add(7 * time.Second), UnresolvedUntil: at.Add(8 * time.Second), CleaningBeganAt: at.Add(9 * time.Second),
		CreatedBy: bridge.ByKey("ann\x00"), Method: bridge.AcceptKratos, ImportID: uuid.UUID{6: 0x70, 15: 9}, Cleaned: []string{"password", "sessions"}, CheckAt: at.Add(10 * time.Second), Checks: 2,
		Claim: &bridge.Claim{ID: uuid.New(), Until: at.Add(time.Minute), UnresolvedSince: at.Add(5 * time.Second), CheckAt: at.Add(6 * time.Second), Checks: 1},
	}
	plain := bridge.Invitation{
		ID: uuid.MustParse("0197a3c2-1111-7000-8000-000000000001"), State: bridge.StatePending, Email: "plain@example.com",
		SchemaID: "default", Lifespan: time.Hour, Delivery: bridge.DeliveryOff, CreatedAt: at, UpdatedAt: at, ExpiresAt: at.Add(time.Hour),
	}
	last := plain
	last.ID, last.State, last.Leftover, last.CheckAt = uuid.UUID{0: 0xff, 6: 0x70}, bridge.StateRevoked, bridge.LeftoverDue, at.Add(time.Hour)
	last.IdentityID = full.IdentityID
	err := errors.Join(tx.PutInvitation(plain), tx.PutInvitation(full), tx.PutInvitation(last))
	for i, channel := range []bridge.Channel{bridge.ChannelAPI, bridge.ChannelEmail, bridge.ChannelHook, "", bridge.ChannelAPI} {
		digest := bridge.Digest{0: byte(255 - i), 31: 1}
		holder := full.ID
		if i == 4 {
			holder = last.ID
		} else if i == 3 {
			continue
		}
		c.digests = append(c.digests, digest)
		err = errors.Join(err, tx.PutToken(digest, bridge.TokenRecord{InvitationID: holder, Channel: channel, Epoch: i}))
	}
	for i, state := range append(bridge.MessageStates(), bridge.MessageQueued) {
		m := bridge.Message{
			ID: uuid.UUID{0: 1, 6: 0x70, 15: byte(i)}, Endpoint: fmt.Sprintf("crm-%d\x00", i), InvitationID: full.ID, State: state,
			Payload:   bridge.Payload{Type: bridge.EventTokenCreated, Timestamp: at, Data: bridge.PayloadData{Invitation: full.View(), IdentityID: full.IdentityID}},
			CreatedAt: at, UpdatedAt: at.Add(time.Second), DueAt: at, Since: at, Tries: i,
		}
		for n := range i {
			m.Attempts = append(m.Attempts, bridge.Attempt{At: at, Took: time.Second, Outcome: bridge.AttemptRetry, Status: 500 + n, Detail: "not <there>\x00"})
		}
		if i == 0 {
			m.Claim = &bridge.MessageClaim{ID: uuid.New(), Until: at.Add(time.Minute)}
		}
		err = errors.Join(err, tx.PutMessage(m))
	}
	for i, action := range bridge.Actions() {
		err = errors.Join(err, tx.AppendHistory(bridge.HistoryEntry{
			ID: uuid.UUID{0: 1, 6: 0x70, 15: byte(i)}, InvitationID: full.ID, At: at.Add(time.Duration(i) * time.Microsecond), Action: action,
			By: bridge.Actor{Kind: bridge.ActorKey, ID: "ann\x00"}, RequestID: "request\x01",
		}))
	}
	c.first, c.claimed = plain, full.ID
	return errors.Join(err, c.putImports(tx, at))
}

// putImports stores imports with rows and a message, and idempotent requests.
func (c *copying) putImports(tx bridge.Tx, at time.Time) error {
	full := bridge.Import{
		ID: uuid.MustParse("0197a3c2-3333-7000-8000-000000000001"), State: bridge.ImportPaused, DryRun: true, CreatedBy: "ann\x00",
		CreatedAt: at, UpdatedAt: at.Add(time.Second), Loader: uuid.New(), StartAt: at.Add(2 * time.Second), FinishedAt: at.Add(3 * time.Second),
		Defaults: json.RawMessage(`{"traits":{"b":1.50,"a":"\u0000"}}`), Columns: []string{"email", "a,\"b\\\x01", ""}, Reinvite: []bridge.State{bridge.StateExpired},
		WaveSize: 500, WaveEvery: 24 * time.Hour, WaveLeft: 3, NextWaveAt: at.Add(4 * time.Second), Rows: 603, Begun: 5,
		Counts: bridge.ImportCounts{Invited: 1, Failed: 2}, Groups: []bridge.RowGroup{{First: 1, Count: 4, Claim: uuid.New(), Until: at, Due: at}},
		DueAt: at.Add(5 * time.Second), WaitingFor: bridge.DependencyHook, Pauses: 2, RateSince: at, RateRows: 1,
	}
	plain := bridge.Import{ID: uuid.UUID{0: 0xff, 6: 0x70, 15: 1}, State: bridge.ImportFinished, CreatedAt: at, UpdatedAt: at}
	rows := make([]bridge.ImportRow, full.Rows)
	for i := range rows {
		rows[i] = bridge.ImportRow{Index: i, Line: i + 2, Body: json.RawMessage(fmt.Sprintf(`{"email":"row-%d@example.com","traits":{"a":"\u0000"}}`, i)), Key: fmt.Sprint("row\x00", i)}
	}
	rows[0].Result, rows[0].InvitationID = bridge.ResultInvited, c.claimed
	rows[1].Result, rows[1].ErrorID, rows[1].Reason = bridge.ResultFailed, "invalid_traits", "not <valid>\x00"
	rows[2].Key, rows[2].Result, rows[2].DuplicateOf = "", bridge.ResultDuplicate, 2
	m := bridge.Message{
		ID: uuid.UUID{0: 1, 6: 0x70, 14: 1}, Endpoint: "crm", ImportID: plain.ID, State: bridge.MessageQueued,
		Payload:   bridge.Payload{Type: bridge.EventImportFinished, Timestamp: at, Data: bridge.PayloadData{Import: &bridge.ImportView{ID: plain.ID, State: plain.State}}},
		CreatedAt: at, UpdatedAt: at, DueAt: at, Since: at, Attempts: []bridge.Attempt{{At: at, Outcome: bridge.AttemptRetry, Status: 500}},
	}
	c.imports, c.requests = []uuid.UUID{full.ID, plain.ID}, []bridge.Digest{{0: 1}, {0: 255}}
	err := errors.Join(tx.PutImport(plain), tx.PutImport(full), tx.PutImportRows(full.ID, rows...), tx.PutMessage(m))
	for i, key := range c.requests {
		err = errors.Join(err, tx.PutIdempotentRequest(bridge.IdempotentRequest{Key: key, Body: bridge.Digest{31: byte(i)}, ID: full.ID, Created: i == 0, At: at}))
	}
	return err
}

// equal compares all that the contract shows of the two stores.
func (c *copying) equal() {
	c.t.Helper()
	from, err := boltstore.OpenExport(c.file, c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	defer from.Close()
	to := c.database(c.asTest())
	defer to.Close()
	if diff := cmp.Diff(c.contentOf(from.View), c.contentOf(to.View)); diff != "" {
		c.t.Error(diff)
	}
}

// content is what the contract shows of a store.
type content struct {
	Invitations []bridge.Invitation
	Messages    []bridge.Message
	Tokens      []bridge.TokenRecord
	History     []bridge.HistoryEntry
	Imports     []bridge.Import
	Rows        []bridge.ImportRow
	Requests    []bridge.IdempotentRequest
	Backlog     bridge.Backlog
}

func (c *copying) contentOf(view func(context.Context, func(bridge.Tx) error) error) (all content) {
	c.t.Helper()
	err := view(c.t.Context(), func(tx bridge.Tx) (err error) {
		all = content{}
		for q := (bridge.InvitationQuery{Limit: 500}); ; {
			list, err := tx.ListInvitations(q)
			if err != nil {
				return err
			} else if len(list) == 0 {
				break
			}
			all.Invitations = append(all.Invitations, list...)
			q.Before = list[len(list)-1].ID
		}
		for q := (bridge.MessageQuery{Limit: 500}); ; {
			list, err := tx.ListMessages(q)
			if err != nil {
				return err
			} else if len(list) == 0 {
				break
			}
			all.Messages = append(all.Messages, list...)
			q.Before = list[len(list)-1].ID
		}
		for _, inv := range all.Invitations {
			list, err := tx.ListHistory(bridge.HistoryQuery{InvitationID: inv.ID, Limit: 500})
			if err != nil {
				return err
			}
			all.History = append(all.History, list...)
		}
		for _, d := range c.digests {
			_, r, err := tx.InvitationByToken(d)
			if err != nil && !errors.Is(err, bridge.ErrRowNotFound) {
				return err
			}
			all.Tokens = append(all.Tokens, r)
		}
		if all.Imports, err = tx.ListImports(uuid.Nil, 500); err != nil {
			return err
		}
		for _, id := range c.imports {
			rows, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: id, Limit: 1000})
			if err != nil {
				return err
			}
			all.Rows = append(all.Rows, rows...)
		}
		for _, key := range c.requests {
			r, err := tx.IdempotentRequest(key)
			if err != nil {
				return err
			}
			all.Requests = append(all.Requests, r)
		}
		all.Backlog, err = tx.Backlog()
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}
