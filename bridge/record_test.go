package bridge_test

import (
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// TestRecordChecksum: any difference between records shows, but a list that is empty
// is the same as none.
func TestRecordChecksum(t *testing.T) {
	base := func() bridge.Record {
		return bridge.Record{
			Invitation: bridge.Invitation{ID: uuid.UUID{1}, State: bridge.StatePending, Claim: &bridge.Claim{Checks: 1}},
			Tokens:     []bridge.StoredToken{{Digest: bridge.Digest{1}}, {Digest: bridge.Digest{2}}},
			Messages:   []bridge.Message{{ID: uuid.UUID{2}, Attempts: []bridge.Attempt{{Took: time.Second}}}},
		}
	}
	seen := map[[32]byte]string{}
	for name, change := range map[string]func(*bridge.Record){
		"unchanged":       func(*bridge.Record) {},
		"email":           func(r *bridge.Record) { r.Invitation.Email = "a@example.com" },
		"claim":           func(r *bridge.Record) { r.Invitation.Claim.Checks = 2 },
		"digest":          func(r *bridge.Record) { r.Tokens[1].Digest[31] = 1 },
		"epoch":           func(r *bridge.Record) { r.Tokens[0].Epoch = 1 },
		"order of tokens": func(r *bridge.Record) { r.Tokens[0], r.Tokens[1] = r.Tokens[1], r.Tokens[0] },
		"no token":        func(r *bridge.Record) { r.Tokens = nil },
		"endpoint":        func(r *bridge.Record) { r.Messages[0].Endpoint = "crm" },
		"attempt":         func(r *bridge.Record) { r.Messages[0].Attempts[0].Took++ },
		"two messages":    func(r *bridge.Record) { r.Messages = append(r.Messages, r.Messages[0]) },
	} {
		r := base()
		change(&r)
		sum, err := r.Checksum()
		if other, same := seen[sum]; same || err != nil {
			t.Errorf("%s: the same as %q, %v", name, other, err)
		}
		seen[sum] = name
	}
	r := base()
	r.Invitation.Identifiers, r.Invitation.Traits = []string{}, map[string]string{}
	if sum, _ := r.Checksum(); seen[sum] != "unchanged" {
		t.Error("empty lists count")
	}
}

// TestImportChecksums: any difference between imports, their rows, or requests shows.
func TestImportChecksums(t *testing.T) {
	type summed interface{ Checksum() ([32]byte, error) }
	row := bridge.ImportRow{Index: 1, Line: 2, Body: []byte(`{"a":1}`)}
	request := bridge.IdempotentRequest{Key: bridge.Digest{1}, Body: bridge.Digest{2}}
	with := func(r bridge.ImportRecord, change func(*bridge.ImportRecord)) summed { change(&r); return r }
	record := bridge.ImportRecord{Import: bridge.Import{ID: uuid.UUID{1}}, Messages: []bridge.Message{{ID: uuid.UUID{2}}}}
	seen := map[[32]byte]string{}
	for name, v := range map[string]summed{
		"import":         record,
		"another state":  with(record, func(r *bridge.ImportRecord) { r.Import.State = bridge.ImportPaused }),
		"message":        with(record, func(r *bridge.ImportRecord) { r.Messages = []bridge.Message{{ID: uuid.UUID{3}}} }),
		"no message":     with(record, func(r *bridge.ImportRecord) { r.Messages = nil }),
		"row":            row,
		"another body":   bridge.ImportRow{Index: 1, Line: 2, Body: []byte(`{"a":2}`)},
		"another result": bridge.ImportRow{Index: 1, Line: 2, Body: row.Body, Result: bridge.ResultFailed},
		"request":        request,
		"another key":    bridge.IdempotentRequest{Key: bridge.Digest{3}, Body: request.Body},
		"another time":   bridge.IdempotentRequest{Key: request.Key, Body: request.Body, At: time.Unix(1, 0).UTC()},
	} {
		sum, err := v.Checksum()
		if other, same := seen[sum]; same || err != nil {
			t.Errorf("%s: the same as %q, %v", name, other, err)
		}
		seen[sum] = name
	}
	spaced := row
	spaced.Body = []byte(` { "a" : 1 } `)
	none := record
	none.Messages = []bridge.Message{}
	for name, v := range map[string]summed{"row": spaced, "no message": none} {
		if sum, err := v.Checksum(); seen[sum] != name || err != nil {
			t.Errorf("%s: what does not matter counts, %v", name, err)
		}
	}
}
