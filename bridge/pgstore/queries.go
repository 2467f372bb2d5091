package pgstore

import (
	"fmt"
	"strings"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var (
	invitationNames = invitations.names()
	messageNames    = messages.names() + ", " + attemptsColumn
)

// Reads by what is unique.
var (
	selectByID    = invitationQuery("t.id = $1", "")
	selectByIDs   = invitationQuery("t.id = ANY ($1)", "ORDER BY t.id")
	selectPending = invitationQuery("t.state = 'pending' AND t.email = $1 AND t.schema_id = $2", "")
	// An identity that is not known is not the same as another one.
	selectPendingOfIdentity = invitationQuery("t.state = 'pending' AND t.identity_id = $1", "")

	selectByToken = query{
		sql: "SELECT " + invitationNames + `, k.channel, k.epoch FROM invitebridge.tokens k
			JOIN invitebridge.invitations t ON t.id = k.invitation_id WHERE k.digest = $1`,
		lockIDs: "ARRAY(SELECT k.invitation_id FROM invitebridge.tokens k WHERE k.digest = $1)",
		class:   ofInvitations,
	}
	selectMessage  = messageQuery("t.id = $1", "")
	selectMessages = messageQuery("t.id = ANY ($1)", "ORDER BY t.id")
)

// Reads of what is due. Each has an index of its own, ordered by the time.
var (
	selectExpiring  = invitationQuery("t.state = 'pending' AND t.claim_until IS NULL AND t.expires_at <= $1", "ORDER BY t.expires_at, t.id LIMIT $2")
	selectClaims    = invitationQuery("t.state = 'pending' AND t.claim_until IS NOT NULL AND t.claim_due_at <= $1", "ORDER BY t.claim_due_at, t.id LIMIT $2")
	selectReminders = invitationQuery("t.state = 'pending' AND t.claim_until IS NULL AND t.remind_at <= $1", "ORDER BY t.remind_at, t.id LIMIT $2")
	selectChecks    = invitationQuery("t.check_at IS NOT NULL AND t.claim_until IS NULL AND t.check_at <= $1", "ORDER BY t.check_at, t.id LIMIT $2")
	selectTerminal  = invitationQuery("t.state <> 'pending' AND t.leftover <> 'due' AND t.updated_at <= $1", "ORDER BY t.updated_at, t.id LIMIT $2")
	selectQueue     = messageQuery("t.state = 'queued' AND t.endpoint = $1 AND "+knownEvent("t"), "ORDER BY t.next_at, t.id LIMIT $2")
	selectDue       = messageQuery("t.state = 'queued' AND t.endpoint = $1 AND t.next_at <= $2 AND "+knownEvent("t"), "ORDER BY t.next_at, t.id LIMIT $3")
	// lockDue locks the invitations of due messages that no one else has locked.
	lockDue = `SELECT m.id, t.id FROM invitebridge.messages m JOIN invitebridge.invitations t ON t.id = m.invitation_id
		WHERE m.state = 'queued' AND m.endpoint = $1 AND m.next_at <= $2 AND ` + knownEvent("m") + `
		ORDER BY m.next_at, m.id LIMIT $3 FOR NO KEY UPDATE OF t SKIP LOCKED`
	// lockDueOfImports does the same for messages about imports, which are few.
	lockDueOfImports = `SELECT m.id, t.id FROM invitebridge.messages m JOIN invitebridge.imports t ON t.id = m.import_id
		WHERE m.state = 'queued' AND m.import_id IS NOT NULL AND m.endpoint = $1 AND m.next_at <= $2 AND ` + knownEvent("m") + `
		ORDER BY m.next_at, m.id LIMIT $3 FOR NO KEY UPDATE OF t SKIP LOCKED`
)

const countPending = `SELECT count(*) FROM (SELECT FROM invitebridge.invitations t WHERE t.state = 'pending'
	AND t.created_by_kind = $1 AND t.created_by_id = $2 AND t.created_by_id <> '' LIMIT $3) t`

// pendingCreators skips from one creator to the next in their index.
const pendingCreators = `WITH RECURSIVE each (id) AS (
	(SELECT t.created_by_id FROM invitebridge.invitations t
		WHERE t.state = 'pending' AND t.created_by_kind = $1 AND t.created_by_id > $2 AND t.created_by_id <> ''
		ORDER BY t.created_by_id LIMIT 1)
	UNION ALL
	SELECT (SELECT t.created_by_id FROM invitebridge.invitations t
		WHERE t.state = 'pending' AND t.created_by_kind = $1 AND t.created_by_id > e.id AND t.created_by_id <> ''
		ORDER BY t.created_by_id LIMIT 1) FROM each e WHERE e.id IS NOT NULL)
	SELECT e.id FROM each e WHERE e.id IS NOT NULL LIMIT $3`

// knownEvent returns the condition that this release knows the event of a message. Its
// name is the first value of the payload. The operators of PostgreSQL for JSON would
// fail at a text with U+0000.
func knownEvent(table string) string {
	var names []string
	for _, event := range bridge.Events() {
		names = append(names, "'"+string(event)+"'")
	}
	return fmt.Sprintf(`split_part(left(%s.payload::text, 100), '"', 4) IN (%s)`, table, strings.Join(names, ", "))
}

func invitationQuery(where, order string) query {
	from := fmt.Sprintf("FROM invitebridge.invitations t WHERE %s %s", where, order)
	return query{
		sql:     "SELECT " + invitationNames + " " + from,
		lockIDs: "ARRAY(SELECT t.id " + from + ")",
		class:   ofInvitations,
	}
}

func messageQuery(where, order string) query {
	from := fmt.Sprintf("FROM invitebridge.messages t WHERE %s %s", where, order)
	return query{
		sql:     "SELECT " + messageNames + " " + from,
		lockIDs: "ARRAY(SELECT t.invitation_id " + from + ")",
		class:   ofInvitations,
	}
}

// conditions collects the conditions of a list.
type conditions struct {
	sql  []string
	args []any
}

// add adds a condition with one parameter.
func (c *conditions) add(format string, arg any) {
	c.args = append(c.args, arg)
	c.sql = append(c.sql, fmt.Sprintf(format, len(c.args)))
}

func (c *conditions) where() string {
	if len(c.sql) == 0 {
		return "true"
	}
	return strings.Join(c.sql, " AND ")
}

func (c *conditions) page(before uuid.UUID, limit int) (order string) {
	if before != uuid.Nil {
		c.add("t.id < $%d", argID(before))
	}
	c.args = append(c.args, limit)
	return fmt.Sprintf("ORDER BY t.id DESC LIMIT $%d", len(c.args))
}

// listInvitations returns the query of a list. Each filter has an index that is ordered by
// id, also combined with a state; but the origin "created", which most have, has none. Of
// other combinations one filter is looked up, and the rows that it finds are read until
// the page is full.
func listInvitations(q bridge.InvitationQuery) (query, []any) {
	var c conditions
	if q.State != "" {
		c.add("t.state = $%d", argText(string(q.State)))
	}
	if q.Email != "" {
		c.add("t.email = $%d", argText(q.Email))
	}
	if q.InviterID != "" {
		c.add("t.inviter_id = $%d AND t.inviter_id <> ''", argText(q.InviterID))
	}
	if q.CreatedBy != (bridge.Creator{}) {
		c.add("t.created_by_kind = $%d", argText(string(q.CreatedBy.Kind)))
		c.add("t.created_by_id = $%d AND t.created_by_id <> ''", argText(q.CreatedBy.ID))
	}
	if q.IdentityID != uuid.Nil {
		c.add("t.identity_id = $%d", argID(q.IdentityID))
	}
	if q.ImportID != uuid.Nil {
		c.add("t.import_id = $%d", argID(q.ImportID))
	}
	switch q.Origin {
	case "":
	case bridge.OriginAdopted, bridge.OriginReactivated: // their index has these only
		c.sql = append(c.sql, "t.origin = '"+string(q.Origin)+"'")
	default:
		c.add("t.origin = $%d", argText(string(q.Origin)))
	}
	if q.Method != "" {
		c.add("t.method = $%d AND t.method <> ''", argText(string(q.Method)))
	}
	order := c.page(q.Before, q.Limit)
	return invitationQuery(c.where(), order), c.args
}

func listMessages(q bridge.MessageQuery) (query, []any) {
	var c conditions
	if q.State != "" {
		c.add("t.state = $%d", argText(string(q.State)))
	}
	if q.InvitationID != uuid.Nil {
		c.add("t.invitation_id = $%d", argID(q.InvitationID))
	}
	order := c.page(q.Before, q.Limit)
	return messageQuery(c.where(), order), c.args
}
