package pgstore

import (
	"context"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/storetest"

	"github.com/google/uuid"
)

// TestIndexes: each access path reads an index, and no table as a whole: on 20,000
// invitations with a message and a token each.
func TestIndexes(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	filled, err := storetest.Fill(t.Context(), s, 20_000, 1, now)
	if err != nil {
		t.Fatal(err)
	}
	// A tenth are terminal, some are claimed, some are to be checked. Of the messages,
	// a quarter each is in each state: an index of none of the rows would suit any query.
	execute(t, dsn, `UPDATE invitebridge.invitations SET state = (ARRAY['accepted', 'expired', 'revoked'])[1 + abs(hashtext(email)) / 10 % 3]
		WHERE abs(hashtext(email)) % 10 = 0`)
	execute(t, dsn, `UPDATE invitebridge.invitations SET claim_until = created_at, claim_id = gen_random_uuid() WHERE abs(hashtext(email)) % 100 = 1`)
	execute(t, dsn, `UPDATE invitebridge.invitations SET check_at = created_at WHERE abs(hashtext(email)) % 100 = 2`)
	execute(t, dsn, `INSERT INTO invitebridge.messages (id, endpoint, invitation_id, state, payload, created_at, updated_at, due_at, since, tries)
		SELECT gen_random_uuid(), 'endpoint-' || n % 3, i.id, (ARRAY['queued', 'sent', 'failed', 'dropped'])[1 + n % 4], '{}',
			i.created_at, i.created_at, i.created_at, i.created_at, 0
		FROM invitebridge.invitations i, generate_series(1, 4) n`)
	execute(t, dsn, `INSERT INTO invitebridge.attempts (message_id, number, at, took_ns, outcome, status, detail)
		SELECT id, 0, created_at, 0, 'sent', 0, '' FROM invitebridge.messages`)
	execute(t, dsn, "ANALYZE")

	inv := filled[500].Invitation
	digest := filled[500].Token.Digest()
	at, limit := (*moment)(&now), 50
	for name, c := range map[string]struct {
		q    query
		args []any
	}{
		"by id":      {selectByID, []any{argID(inv.ID)}},
		"by token":   {selectByToken, []any{digest[:]}},
		"pending":    {selectPending, []any{argText(inv.Email), argText(inv.SchemaID)}},
		"expiring":   {selectExpiring, []any{at, limit}},
		"claims":     {selectClaims, []any{at, limit}},
		"checks":     {selectChecks, []any{at, limit}},
		"terminal":   {selectTerminal, []any{at, limit}},
		"message":    {selectMessage, []any{argID(inv.ID)}},
		"queue":      {selectQueue, []any{argText("endpoint-1"), limit}},
		"prelocking": {query{sql: "SELECT", lockIDs: "$1"}, []any{uuids(ascend{inv.ID})}},
	} {
		explain(t, s, name, c.q, c.args, false)
	}
	for _, state := range []bridge.State{"", bridge.StatePending, bridge.StateRevoked} {
		for _, email := range []string{"", inv.Email} {
			for _, inviter := range []string{"", inv.InviterID} {
				for _, identity := range []uuid.UUID{{}, inv.IdentityID} {
					for _, before := range []uuid.UUID{{}, inv.ID} {
						filter := bridge.InvitationQuery{State: state, Email: email, InviterID: inviter, IdentityID: identity, Before: before, Limit: limit}
						q, args := listInvitations(filter)
						explain(t, s, "invitations "+q.lockIDs, q, args, email == "" && inviter == "" && identity == uuid.Nil)
					}
				}
			}
		}
	}
	for _, state := range []bridge.MessageState{"", bridge.MessageQueued} {
		for _, invitation := range []uuid.UUID{{}, inv.ID} {
			for _, before := range []uuid.UUID{{}, uuid.Max} {
				q, args := listMessages(bridge.MessageQuery{State: state, InvitationID: invitation, Before: before, Limit: limit})
				explain(t, s, "messages "+q.lockIDs, q, args, invitation == uuid.Nil)
			}
		}
	}
	explain(t, s, "oldest", query{sql: selectOldest}, nil, false)
	explain(t, s, "delete", query{sql: deleteInvitation}, []any{argID(inv.ID)}, false)
	explain(t, s, "purge", query{sql: purgeOutcomes}, nil, false)
	explain(t, s, "put message", query{sql: putMessage}, messages.args(&messageRow{Message: bridge.Message{ID: inv.ID}, payload: "{}"}), false)
	explain(t, s, "put token", query{sql: putToken}, []any{digest[:], argID(inv.ID), argText("api"), 0}, false)
	explain(t, s, "conflict", query{sql: updatePending}, invitations.args(&invitationRow{Invitation: inv}), false)
}

// explain checks the plans of a query and of the statement that locks for it. A query
// that pages must read its index in the order of the ids.
func explain(t *testing.T, s *Store, name string, q query, args []any, pages bool) {
	t.Helper()
	var statements []string
	if len(q.sql) > len("SELECT") {
		statements = append(statements, q.sql)
	}
	if q.lockIDs != "" {
		statements = append(statements, (&tx{writable: true}).lock(q, nil).sql)
	}
	for _, sql := range statements {
		plan := planOf(t, s, sql, args)
		for line := range strings.Lines(plan) {
			if strings.Contains(line, "Seq Scan") && !strings.Contains(line, "outcomes") && !strings.Contains(line, "counters") {
				t.Errorf("%s: %s\n%s", name, sql, plan)
				break
			}
		}
		if pages && strings.Count(plan, "Sort Key") > strings.Count(sql, "ORDER BY t.id FOR") {
			t.Errorf("%s is sorted, and so read as a whole:\n%s", name, plan)
		}
	}
}

func planOf(t *testing.T, s *Store, sql string, args []any) string {
	t.Helper()
	rows, err := s.pool.Query(context.Background(), "EXPLAIN "+sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return plan.String()
}
