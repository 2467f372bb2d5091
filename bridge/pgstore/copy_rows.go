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

// copyRows returns the rows of records, checked as those of a Tx are.
func copyRows(list []bridge.Record) (copyTables, error) {
	t := copyTables{
		{name: invitations.name, columns: invitations.columnNames()},
		{name: "tokens", columns: []string{"digest", "invitation_id", "channel", "epoch"}},
		{name: messages.name, columns: messages.columnNames()},
		{name: "attempts", columns: []string{"message_id", "number", "at", "took_ns", "outcome", "status", "detail"}},
	}
	for _, r := range list {
		inv, err := rowOf(r.Invitation)
		if err != nil {
			return nil, err
		}
		t[0].values = append(t[0].values, invitations.args(inv))
		for _, k := range r.Tokens {
			values := []any{k.Digest[:], argID(k.InvitationID), argText(string(k.Channel)), k.Epoch}
			if !validTexts(values) {
				return nil, fmt.Errorf("pgstore: a token of invitation %s has a channel that is not valid UTF-8", k.InvitationID)
			}
			t[1].values = append(t[1].values, values)
		}
		for _, m := range r.Messages {
			row, err := messageRowOf(m)
			if err != nil {
				return nil, err
			}
			t[2].values = append(t[2].values, messages.args(row))
			for n := range row.Attempts {
				t[3].values = append(t[3].values, attemptArgs(m.ID, n, &row.Attempts[n]))
			}
		}
	}
	return t, nil
}

// columnNames returns the names of the columns, in the order of args.
func (t table[T]) columnNames() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// countsOf returns what records add to the counters.
func countsOf(list []bridge.Record) (c counts) {
	for _, r := range list {
		if r.Invitation.State == bridge.StatePending {
			c.pending++
		}
		for _, m := range r.Messages {
			if m.State == bridge.MessageQueued {
				c.queued++
			}
		}
	}
	return c
}
