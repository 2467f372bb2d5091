package pgstore

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// importRow is an import as the table has it.
type importRow struct {
	bridge.Import // without Reinvite
	reinvite      texts
}

var imports = table[importRow]{"imports", []column[importRow]{
	{"id", func(r *importRow) any { return (*id)(&r.ID) }},
	{"state", func(r *importRow) any { return (*text)(&r.State) }},
	{"dry_run", func(r *importRow) any { return &r.DryRun }},
	{"created_by", func(r *importRow) any { return (*text)(&r.CreatedBy) }},
	{"created_at", func(r *importRow) any { return (*moment)(&r.CreatedAt) }},
	{"updated_at", func(r *importRow) any { return (*moment)(&r.UpdatedAt) }},
	{"loader", func(r *importRow) any { return (*optionalID)(&r.Loader) }},
	{"start_at", func(r *importRow) any { return (*optionalTime)(&r.StartAt) }},
	{"finished_at", func(r *importRow) any { return (*optionalTime)(&r.FinishedAt) }},
	{"defaults", func(r *importRow) any { return (*rawJSON)(&r.Defaults) }},
	{"columns", func(r *importRow) any { return (*texts)(&r.Columns) }},
	{"separator", func(r *importRow) any { return (*text)(&r.Separator) }},
	{"reinvite", func(r *importRow) any { return &r.reinvite }},
	{"wave_size", func(r *importRow) any { return &r.WaveSize }},
	{"wave_every_ns", func(r *importRow) any { return (*int64)(&r.WaveEvery) }},
	{"wave_left", func(r *importRow) any { return &r.WaveLeft }},
	{"next_wave_at", func(r *importRow) any { return (*optionalTime)(&r.NextWaveAt) }},
	{"rows", func(r *importRow) any { return &r.Rows }},
	{"begun", func(r *importRow) any { return &r.Begun }},
	{"counts", func(r *importRow) any { return &document{to: &r.Counts} }},
	{"groups", func(r *importRow) any { return &document{&r.Groups, len(r.Groups) == 0} }},
	{"due_at", func(r *importRow) any { return (*optionalTime)(&r.DueAt) }},
	{"waiting_for", func(r *importRow) any { return (*text)(&r.WaitingFor) }},
	{"held_until", func(r *importRow) any { return (*optionalTime)(&r.HeldUntil) }},
	{"pauses", func(r *importRow) any { return &r.Pauses }},
	{"rate_since", func(r *importRow) any { return (*optionalTime)(&r.RateSince) }},
	{"rate_rows", func(r *importRow) any { return &r.RateRows }},
}}

// importRowOf returns the row of an import. It rejects what the table would not give
// back unchanged, or would refuse: a refused statement ends a transaction.
func importRowOf(i bridge.Import) (*importRow, error) {
	if i.ID == uuid.Nil {
		return nil, errors.New("pgstore: the import has no id")
	}
	if !slices.Contains(bridge.ImportStates(), i.State) {
		return nil, fmt.Errorf("pgstore: %q is not a state of an import", i.State)
	}
	r := &importRow{Import: i}
	for _, state := range i.Reinvite {
		r.reinvite = append(r.reinvite, string(state))
	}
	r.Import = r.copyOf() // the caller may change what i refers to
	if !validTexts(imports.args(r)) {
		return nil, fmt.Errorf("pgstore: import %s has a text that is not valid UTF-8 or not JSON", i.ID)
	}
	return r, nil
}

// copyOf returns a copy of the import of a row.
func (r *importRow) copyOf() bridge.Import {
	i := r.Import
	i.Defaults, i.Columns, i.Groups = slices.Clone(i.Defaults), slices.Clone(i.Columns), slices.Clone(i.Groups)
	i.Reinvite = nil
	for _, state := range r.reinvite {
		i.Reinvite = append(i.Reinvite, bridge.State(state))
	}
	return i
}

// storedRow is a row of an import as the table has it.
type storedRow struct {
	importID uuid.UUID
	bridge.ImportRow
}

var importRows = table[storedRow]{"import_rows", []column[storedRow]{
	{"import_id", func(r *storedRow) any { return (*id)(&r.importID) }},
	{"index", func(r *storedRow) any { return &r.Index }},
	{"line", func(r *storedRow) any { return &r.Line }},
	{"body", func(r *storedRow) any { return (*rawJSON)(&r.Body) }},
	{"key", func(r *storedRow) any { return (*text)(&r.Key) }},
	{"result", func(r *storedRow) any { return (*text)(&r.Result) }},
	{"invitation_id", func(r *storedRow) any { return (*optionalID)(&r.InvitationID) }},
	{"duplicate_of", func(r *storedRow) any { return &r.DuplicateOf }},
	{"error_id", func(r *storedRow) any { return (*text)(&r.ErrorID) }},
	{"reason", func(r *storedRow) any { return (*text)(&r.Reason) }},
}}

// storedRowsOf returns the rows to store: the last one of each index.
func storedRowsOf(importID uuid.UUID, rows []bridge.ImportRow) ([]*storedRow, error) {
	list, at := make([]*storedRow, 0, len(rows)), make(map[int]int, len(rows))
	for _, row := range rows {
		r := &storedRow{importID: importID, ImportRow: row}
		r.Body = slices.Clone(row.Body)
		if !validTexts(importRows.args(r)) {
			return nil, fmt.Errorf("pgstore: line %d of import %s has a text that is not valid UTF-8 or not JSON", row.Line, importID)
		}
		if n, found := at[row.Index]; found {
			list[n] = r
			continue
		}
		at[row.Index] = len(list)
		list = append(list, r)
	}
	return list, nil
}

// rawJSON reads and writes a JSON column, whose text stays as it is; null: empty.
type rawJSON json.RawMessage

// Value implements [driver.Valuer].
func (j *rawJSON) Value() (driver.Value, error) {
	if len(*j) == 0 {
		return nil, nil
	}
	return string(*j), nil
}

// Scan implements [sql.Scanner].
func (j *rawJSON) Scan(src any) error {
	switch raw := src.(type) {
	case string:
		*j = rawJSON(raw)
	case []byte:
		*j = slices.Clone(raw)
	default:
		*j = nil
	}
	return nil
}

func (j *rawJSON) valid() bool { return len(*j) == 0 || json.Valid(*j) && utf8.Valid(*j) }
