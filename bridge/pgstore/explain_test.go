package pgstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/storetest"

	"github.com/google/uuid"
)

// TestIndexes: each access path reads an index, and no table as a whole: on 100,000
// invitations with a token and two messages each.
func TestIndexes(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	filled, err := storetest.Fill(t.Context(), s, 5_000, 1, now)
	if err != nil {
		t.Fatal(err)
	}
	shifted := func(id string) string {
		return fmt.Sprintf("(lpad(to_hex(n), 2, '0') || substr(%s::text, 3))::uuid", id)
	}
	execute(t, dsn, copies(invitations, map[string]string{"id": shifted("t.id"), "identity_id": "gen_random_uuid()", "email": "n || t.email"}))
	execute(t, dsn, copies(messages, map[string]string{"id": shifted("t.id"), "invitation_id": shifted("t.invitation_id")}))
	execute(t, dsn, fmt.Sprintf(`INSERT INTO invitebridge.tokens (digest, invitation_id, channel, epoch)
		SELECT set_byte(t.digest, 0, (get_byte(t.digest, 0) + n) %% 256), %s, t.channel, t.epoch
		FROM generate_series(2, 20) n, invitebridge.tokens t`, shifted("t.invitation_id")))
	execute(t, dsn, `UPDATE invitebridge.invitations SET created_by_kind = 'key', created_by_id = 'backend' WHERE abs(hashtext(email)) % 50 = 4`)
	execute(t, dsn, `UPDATE invitebridge.invitations SET origin = 'adopted', method = 'kratos' WHERE abs(hashtext(email)) % 50 = 5`)
	// A tenth are terminal, some are claimed, some are to be checked. Many messages are in
	// each state: an index of none of the rows would suit any query.
	execute(t, dsn, `UPDATE invitebridge.invitations SET state = (ARRAY['accepted', 'expired', 'revoked'])[1 + abs(hashtext(email)) / 10 % 3]
		WHERE abs(hashtext(email)) % 10 = 0`)
	execute(t, dsn, `UPDATE invitebridge.invitations SET claim_until = created_at, claim_id = gen_random_uuid() WHERE abs(hashtext(email)) % 100 = 1`)
	execute(t, dsn, `UPDATE invitebridge.invitations SET check_at = created_at WHERE abs(hashtext(email)) % 100 = 2`)
	execute(t, dsn, `UPDATE invitebridge.invitations SET remind_at = created_at WHERE abs(hashtext(email)) % 100 = 3`)
	execute(t, dsn, `INSERT INTO invitebridge.messages (id, endpoint, invitation_id, state, payload, created_at, updated_at, due_at, since, tries)
		SELECT gen_random_uuid(), 'endpoint-' || n % 3, i.id, (ARRAY['queued', 'sent', 'failed', 'dropped'])[1 + n % 4], '{}',
			i.created_at, i.created_at, i.created_at, i.created_at, 0
		FROM invitebridge.invitations i, generate_series(1, 4) n WHERE abs(hashtext(email)) / 10 % 4 = 0`)
	execute(t, dsn, `INSERT INTO invitebridge.outcomes (key, at) SELECT gen_random_uuid(), clock_timestamp() - n * interval '10 s'
		FROM generate_series(1, 20000) n`)
	execute(t, dsn, `INSERT INTO invitebridge.attempts (message_id, number, at, took_ns, outcome, status, detail)
		SELECT id, 0, created_at, 0, 'sent', 0, '' FROM invitebridge.messages`)
	execute(t, dsn, `INSERT INTO invitebridge.leases (name, holder, until)
		SELECT set_byte(digest, 0, 0), gen_random_uuid(), now() FROM invitebridge.tokens LIMIT 1000 ON CONFLICT DO NOTHING`)
	imported := importOf(1)
	fillImports(t, s, dsn, imported.ID)
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
		"reminders":  {selectReminders, []any{at, limit}},
		"terminal":   {selectTerminal, []any{at, limit}},
		"message":    {selectMessage, []any{argID(inv.ID)}},
		"queue":      {selectQueue, []any{argText("endpoint-1"), limit}},
		"prelocking": {query{sql: "SELECT", lockIDs: byIDs, class: ofInvitations}, []any{uuids(ascend{inv.ID})}},
	} {
		explain(t, s, name, c.q, c.args, false)
	}
	for _, state := range []bridge.State{"", bridge.StatePending, bridge.StateRevoked} {
		for _, email := range []string{"", inv.Email} {
			for _, inviter := range []string{"", inv.InviterID} {
				for _, identity := range []uuid.UUID{{}, inv.IdentityID} {
					for _, of := range []uuid.UUID{{}, imported.ID} {
						for _, before := range []uuid.UUID{{}, inv.ID} {
							filter := bridge.InvitationQuery{State: state, Email: email, InviterID: inviter, IdentityID: identity, ImportID: of, Before: before, Limit: limit}
							q, args := listInvitations(filter)
							explain(t, s, "invitations "+q.lockIDs, q, args, email == "" && inviter == "" && identity == uuid.Nil)
						}
					}
				}
			}
		}
	}
	for _, more := range []bridge.InvitationQuery{
		{CreatedBy: bridge.ByKey("backend")}, {CreatedBy: bridge.ByKey("backend"), State: bridge.StatePending}, {Origin: bridge.OriginAdopted},
		{Origin: bridge.OriginCreated}, {Method: bridge.AcceptKratos},
	} {
		more.Limit = limit
		q, args := listInvitations(more)
		explain(t, s, "invitations "+q.lockIDs, q, args, true)
	}
	explain(t, s, "creators", query{sql: pendingCreators}, []any{argText("key"), argText(""), limit}, false)
	explain(t, s, "count", query{sql: countPending}, []any{argText("key"), argText("backend"), limit}, false)
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
	explain(t, s, "due", query{sql: lockDue}, []any{argText("endpoint-1"), at, limit}, false)
	explain(t, s, "latest commit", query{sql: latestOutcome}, nil, false)
	for sql, condition := range map[string]string{purgeOutcomes: "Index Cond: (at < ", purgeLeases: "Index Cond: (until < "} {
		if plan := planOf(t, s, sql, nil); !strings.Contains(plan, condition) {
			t.Errorf("%s: it reads more than it deletes:\n%s", sql, plan)
		}
	}
	explain(t, s, "put message", query{sql: putMessage}, messages.args(&messageRow{Message: bridge.Message{ID: inv.ID}, payload: "{}"}), false)
	explain(t, s, "put token", query{sql: putToken}, []any{digest[:], argID(inv.ID), argText("api"), 0}, false)
	explainImports(t, s, imported, now)
	explain(t, s, "conflict", query{sql: updatePending}, invitations.args(&invitationRow{Invitation: inv}), false)
}

// copies returns a statement that adds 19 copies of each row, numbered n. Its
// expressions replace the values of columns. The first byte of an id is 1 now.
func copies[T any](of table[T], expressions map[string]string) string {
	var names, values []string
	for _, c := range of.columns {
		value, found := expressions[c.name]
		if !found {
			value = "t." + c.name
		}
		names, values = append(names, c.name), append(values, value)
	}
	return fmt.Sprintf("INSERT INTO invitebridge.%s (%s) SELECT %s FROM generate_series(2, 20) n, invitebridge.%[1]s t ORDER BY n, t.id",
		of.name, strings.Join(names, ", "), strings.Join(values, ", "))
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
			if strings.Contains(line, "Seq Scan") && !strings.Contains(line, "counters") {
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
