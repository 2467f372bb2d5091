package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// rowForgotten is the error id of a row that was not begun when its person was forgotten.
const rowForgotten = "forgotten"

const reasonForgotten = "The person was forgotten before the row was begun. The row is empty, and invites nobody."

// maxRowsRead bounds the rows that one view reads.
const maxRowsRead = 500

// forgottenPerson is how rows of imports name the person that is forgotten.
type forgottenPerson struct {
	email   string
	toASCII ToASCII
	schemas []string
	keys    []string // that contain the id of an identity
}

func (s *Service) personOf(list []Invitation) forgottenPerson {
	p := forgottenPerson{email: list[0].Email, toASCII: s.config.ToASCII, schemas: []string{s.config.SchemaID}}
	for _, inv := range list {
		p.schemas = append(p.schemas, inv.SchemaID)
		if inv.IdentityID != uuid.Nil {
			p.keys = append(p.keys, "identity\n"+inv.IdentityID.String())
		}
	}
	return p
}

// keysIn returns the keys that rows about the person have in an import, see rowKey.
func (p forgottenPerson) keysIn(i Import) []string {
	schemas := slices.Clone(p.schemas)
	var defaults struct {
		SchemaID string `json:"schema_id"`
	}
	if json.Unmarshal(i.Defaults, &defaults) == nil {
		schemas = append(schemas, defaults.SchemaID)
	}
	keys := slices.Clone(p.keys)
	for _, schema := range schemas {
		keys = append(keys, p.email+"\n"+schema)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// namedIn reports whether the body of a row has the address, in any spelling that an
// invite accepts.
func (p forgottenPerson) namedIn(body json.RawMessage) bool {
	var row struct {
		Email string `json:"email"`
	}
	_ = json.Unmarshal(body, &row) // an error leaves what could be read
	email, err := ParseEmail(row.Email, p.toASCII)
	return err == nil && email == p.email || strings.EqualFold(strings.TrimSpace(row.Email), p.email)
}

// rowsAbout finds the rows of imports about the person of these invitations, by import:
// by their keys; among duplicates, by the row that they repeat; and among duplicates and
// failed rows, which have no key, by the address in them.
//
// Errors: ErrIdentityConflict, see emptyRows; ErrStoreUnavailable.
func (s *Service) rowsAbout(ctx context.Context, list []Invitation) (map[uuid.UUID][]int, error) {
	person, rows := s.personOf(list), make(map[uuid.UUID][]int)
	for before := uuid.Nil; ; {
		var page []Import
		err := s.view(ctx, func(tx Tx) (err error) {
			page, err = tx.ListImports(before, 100)
			return err
		})
		if err != nil || len(page) == 0 {
			return rows, err
		}
		for _, i := range page {
			indexes, err := s.rowsIn(ctx, person, i)
			if err != nil {
				return nil, err
			}
			if before = i.ID; len(indexes) > 0 {
				rows[i.ID] = indexes
			}
		}
	}
}

// rowsIn is rowsAbout for one import.
func (s *Service) rowsIn(ctx context.Context, person forgottenPerson, i Import) (indexes []int, err error) {
	var lines []int
	err = s.view(ctx, func(tx Tx) error {
		lines, indexes = nil, nil
		found, err := tx.FirstLines(i.ID, person.keysIn(i)...)
		if err != nil {
			return err
		}
		for _, line := range found {
			row, ok, err := rowAt(tx, i, line)
			if err == nil && ok {
				err = i.checkNotBegun(row)
			}
			if err != nil {
				return err
			}
			if lines = append(lines, line); ok {
				indexes = append(indexes, row.Index)
			}
		}
		return nil
	})
	for _, result := range []ImportResult{ResultDuplicate, ResultFailed} {
		for from := 0; err == nil && from >= 0 && i.Counts.Count(result) > 0; {
			err = s.view(ctx, func(tx Tx) error {
				page, err := tx.ImportRows(ImportRowQuery{ImportID: i.ID, Result: result, From: from, Limit: maxRowsRead})
				from = -1
				for _, row := range page {
					if result == ResultDuplicate && slices.Contains(lines, row.DuplicateOf) || person.namedIn(row.Body) {
						indexes = append(indexes, row.Index)
					}
					from = row.Index + 1
				}
				return err
			})
		}
	}
	slices.Sort(indexes)
	return slices.Compact(indexes), err
}

// rowAt finds the row that begins at a line. Lines rise with the index.
func rowAt(tx Tx, i Import, line int) (row ImportRow, ok bool, err error) {
	for low, high := 0, i.Rows; low < high; {
		middle := low + (high-low)/2
		page, err := tx.ImportRows(ImportRowQuery{ImportID: i.ID, From: middle, Limit: 1})
		switch {
		case err != nil:
			return row, false, err
		case len(page) == 0 || page[0].Line > line:
			high = middle
		case page[0].Line == line:
			return page[0], true, nil
		default:
			low = page[0].Index + 1
		}
	}
	return row, false, nil
}

// checkNotBegun returns an error if a worker is processing a row, or will continue with
// it: it may have created the identity.
//
// Errors: ErrIdentityConflict.
func (i Import) checkNotBegun(row ImportRow) error {
	for _, g := range i.Groups {
		if row.Index >= g.First && row.Index < g.First+g.Count && (row.Result == "" || g.Claim != uuid.Nil) {
			return ErrIdentityConflict.WithReasonf("The import %s is inviting this address right now. The invitation is revoked, but not removed. Try again in a moment, or cancel the import.", i.ID).WithRetryAfter(lateWriteGrace)
		}
	}
	return nil
}

// emptyRows removes what rows of an import hold about a person. A row without a result
// fails, so that it is never begun.
//
// Errors: ErrIdentityConflict if a row is begun and has no result yet.
func emptyRows(tx Tx, id uuid.UUID, indexes []int) (n int, err error) {
	i, err := tx.Import(id)
	if err != nil {
		return 0, ignoreNotFound(err) // it is past its retention
	}
	var ended, failed []ImportRow
	for _, index := range indexes {
		page, err := tx.ImportRows(ImportRowQuery{ImportID: id, From: index, Limit: 1})
		if err != nil {
			return 0, err
		}
		if len(page) == 0 || page[0].Index != index {
			continue
		}
		row := page[0]
		if err := i.checkNotBegun(row); err != nil {
			return 0, err
		}
		row.Body, row.Key, row.Reason = json.RawMessage("{}"), "", ""
		if row.Result != "" {
			ended = append(ended, row)
			continue
		}
		row.Result, row.ErrorID, row.Reason, row.InvitationID = ResultFailed, rowForgotten, reasonForgotten, uuid.Nil
		i.Counts.add(row.Result)
		failed = append(failed, row)
	}
	if len(ended) > 0 {
		err = uncounted(tx).PutImportRows(id, ended...)
	}
	if len(failed) > 0 {
		err = errors.Join(err, tx.PutImportRows(id, failed...), tx.PutImport(i))
	}
	return len(ended) + len(failed), err
}
