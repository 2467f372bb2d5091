package boltstore

import (
	"errors"
	"strings"
	"testing"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// TestExportImports: the imports, their rows, and the requests are all that the
// contract shows, once each, in several parts.
func TestExportImports(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	var imports []bridge.ImportRecord
	var rows []bridge.ImportRow
	requests := map[bridge.Digest]bridge.IdempotentRequest{}
	update(t, s, func(tx bridge.Tx) error {
		for n := range exportRecords + 1 {
			i := bridge.Import{ID: uuid.UUID{2, byte(n >> 8), byte(n)}, State: bridge.ImportPaused, Begun: n}
			if n == 0 {
				i = sampleImport()
			}
			imports = append(imports, bridge.ImportRecord{Import: i})
			if err := tx.PutImport(i); err != nil {
				return err
			}
		}
		imports[0].Messages = []bridge.Message{importMessage()}
		for n := range exportRecords + 1 {
			row := sampleRow(n)
			if rows = append(rows, row); n < sampleRows {
				continue
			}
			if err := errors.Join(tx.PutImportRows(sampleImport().ID, row), tx.PutIdempotentRequest(sampleRequest(n))); err != nil {
				return err
			}
		}
		for n := range exportRecords + 1 {
			requests[sampleRequest(n).Key] = sampleRequest(n)
		}
		// Rows of another import do not follow.
		return tx.PutImportRows(imports[1].Import.ID, bridge.ImportRow{Body: []byte("{}")})
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	e := exportOf(t, path)

	var gotImports []bridge.ImportRecord
	parts := inParts(t, func() (int, error) {
		after := uuid.Nil
		if len(gotImports) > 0 {
			after = gotImports[len(gotImports)-1].Import.ID
		}
		list, err := e.Imports(t.Context(), after)
		gotImports = append(gotImports, list...)
		return len(list), err
	})
	if diff := cmp.Diff(imports, gotImports); diff != "" || parts != 2 {
		t.Errorf("%d parts\n%s", parts, diff)
	}

	var gotRows []bridge.ImportRow
	parts = inParts(t, func() (int, error) {
		list, err := e.ImportRows(t.Context(), sampleImport().ID, len(gotRows))
		gotRows = append(gotRows, list...)
		return len(list), err
	})
	if diff := cmp.Diff(rows, gotRows); diff != "" || parts != 2 {
		t.Errorf("%d parts\n%s", parts, diff)
	}

	var last *bridge.Digest
	got := 0
	parts = inParts(t, func() (int, error) {
		list, err := e.IdempotentRequests(t.Context(), last)
		for _, r := range list {
			if last != nil && string(last[:]) >= string(r.Key[:]) || r != requests[r.Key] {
				t.Errorf("got %+v after %x", r, last)
			}
			last = &r.Key
		}
		got += len(list)
		return len(list), err
	})
	if got != len(requests) || parts != 2 {
		t.Errorf("%d requests in %d parts, want %d", got, parts, len(requests))
	}
	want := bridge.RecordCounts{Invitations: 100, Tokens: 100, Messages: 101, Imports: len(imports), ImportRows: len(rows) + 1, Requests: len(requests)}
	if n, err := e.Count(t.Context()); n != want || err != nil {
		t.Errorf("counted %+v, %v, want %+v", n, err, want)
	}
}

// inParts calls read until it has read nothing, and returns how often it read.
func inParts(t *testing.T, read func() (int, error)) (parts int) {
	t.Helper()
	for ; ; parts++ {
		if n, err := read(); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			return parts
		}
	}
}

// TestExportLargeRows: what is returned at once has a limit in bytes, too.
func TestExportLargeRows(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	update(t, s, func(tx bridge.Tx) error {
		for n := range 8 {
			row := sampleRow(n)
			row.Body = []byte(`{"text":"` + strings.Repeat("x", exportBytes/4) + `"}`)
			if err := tx.PutImportRows(sampleImport().ID, row); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if list, err := exportOf(t, path).ImportRows(t.Context(), sampleImport().ID, 0); err != nil || len(list) != 4 {
		t.Errorf("%d rows, %v", len(list), err)
	}
}

// TestExportDamagedImports: what cannot be read is damage, not copied.
func TestExportDamagedImports(t *testing.T) {
	i, mid, digest := sampleImport(), importMessage().ID, sampleRequest(3).Key
	for name, spoil := range map[string]func(*bbolt.Tx) error{
		"an import":                 func(tx *bbolt.Tx) error { return importsBucket.in(tx).Put(i.ID[:], []byte("{")) },
		"a message that is missing": func(tx *bbolt.Tx) error { return messagesBucket.in(tx).Delete(mid[:]) },
		"a row":                     func(tx *bbolt.Tx) error { return importRowsBucket.in(tx).Put(rowKey(i.ID, 3), []byte("{")) },
		"a request":                 func(tx *bbolt.Tx) error { return requestsBucket.in(tx).Put(digest[:], []byte("{")) },
	} {
		t.Run(name, func(t *testing.T) {
			path := storeFile(t)
			edit(spoil)(t, path)
			e := exportOf(t, path)
			imports, err1 := e.Imports(t.Context(), uuid.Nil)
			rows, err2 := e.ImportRows(t.Context(), i.ID, 0)
			requests, err3 := e.IdempotentRequests(t.Context(), nil)
			if err := errors.Join(err1, err2, err3); !errors.Is(err, ErrCorrupt) || imports != nil && rows != nil && requests != nil {
				t.Errorf("%d imports, %d rows, %d requests, %v", len(imports), len(rows), len(requests), err)
			}
		})
	}
}
