package pgstore

import (
	"fmt"

	"invitebridge/bridge"
)

// copyTable holds rows for one table.
type copyTable struct {
	name    string
	columns []string
	values  [][]any
}

// copyTables are in the order in which rows refer to one another.
type copyTables []copyTable

// copyRecords returns the rows of records, checked as those of a Tx are, and what they
// add to the counters.
func copyRecords(list []bridge.Record) (t copyTables, added counts, err error) {
	of := copyTable{name: invitations.name, columns: invitations.columnNames()}
	tokens := copyTable{name: "tokens", columns: []string{"digest", "invitation_id", "channel", "epoch"}}
	history := copyTable{name: entries.name, columns: entries.columnNames()}
	var queue []bridge.Message
	for _, r := range list {
		inv, err := rowOf(r.Invitation)
		if err != nil {
			return nil, added, err
		}
		of.values = append(of.values, invitations.args(inv))
		added.pending += inv.pending()
		for _, k := range r.Tokens {
			values := []any{k.Digest[:], argID(k.InvitationID), argText(string(k.Channel)), k.Epoch}
			if !validTexts(values) {
				return nil, added, fmt.Errorf("pgstore: a token of invitation %s has a channel that is not valid UTF-8", k.InvitationID)
			}
			tokens.values = append(tokens.values, values)
		}
		for _, e := range r.History {
			row, err := historyRowOf(e)
			if err != nil {
				return nil, added, err
			}
			history.values = append(history.values, entries.args(row))
		}
		queue = append(queue, r.Messages...)
	}
	t, added.queued, err = copyMessages(queue)
	return append(copyTables{of, tokens, history}, t...), added, err
}

// copyMessages returns the rows of messages, and how many are queued.
func copyMessages(list []bridge.Message) (t copyTables, queued int, err error) {
	of := copyTable{name: messages.name, columns: messages.columnNames()}
	attempts := copyTable{name: "attempts", columns: []string{"message_id", "number", "at", "took_ns", "outcome", "status", "detail"}}
	for _, m := range list {
		row, err := messageRowOf(m)
		if err != nil {
			return nil, 0, err
		}
		of.values = append(of.values, messages.args(row))
		queued += row.queued()
		for n := range row.Attempts {
			attempts.values = append(attempts.values, attemptArgs(m.ID, n, &row.Attempts[n]))
		}
	}
	return copyTables{of, attempts}, queued, nil
}

// columnNames returns the names of the columns, in the order of args.
func (t table[T]) columnNames() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}
