package bridge_test

import (
	"errors"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestImport_settings: settings that make no sense are refused, and nothing is kept.
func TestImport_settings(t *testing.T) {
	w := bridgetest.New(t)
	for name, c := range map[string]struct {
		request bridge.ImportRequest
		want    *bridge.Error
	}{
		"a size without a period": {bridge.ImportRequest{WaveSize: 5}, bridge.ErrBadRequest},
		"a period without a size": {bridge.ImportRequest{WaveEvery: time.Hour}, bridge.ErrBadRequest},
		"too short a period":      {bridge.ImportRequest{WaveSize: 5, WaveEvery: time.Second}, bridge.ErrBadRequest},
		"a negative size":         {bridge.ImportRequest{WaveSize: -1, WaveEvery: time.Hour}, bridge.ErrBadRequest},
		"reinvite of accepted":    {bridge.ImportRequest{Reinvite: []bridge.State{bridge.StateAccepted}}, bridge.ErrBadRequest},
		"an unknown default":      {bridge.ImportRequest{Defaults: []byte(`{"nobody":1}`)}, bridge.ErrBadRequest},
		"a default that is wrong": {bridge.ImportRequest{Defaults: []byte(`{"expires_in":"10000h"}`)}, bridge.ErrExpiresInInvalid},
	} {
		_, _, err := w.Service.Import(t.Context(), c.request, file(addresses(1)...))
		if !refusedWith(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := w.Service.Import(t.Context(), bridge.ImportRequest{}, file())
	refused(t, err, bridge.ErrImportInvalid)
	runImports(t, w)
	if page, _, err := w.Service.Imports(t.Context(), [16]byte{}, 10); err != nil || len(page) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestImport_unknownSchema: an unknown schema for all rows is refused with the names of
// those that exist, unless Kratos does not respond. In a row, it fails the row.
func TestImport_unknownSchema(t *testing.T) {
	const reason = "Kratos has no identity schema nope; it has customer, default, member."
	w := bridgetest.New(t)
	request := bridge.ImportRequest{Defaults: []byte(`{"schema_id":"nope"}`)}
	_, _, err := w.Service.Import(t.Context(), request, file(addresses(1)...))
	var e *bridge.Error
	if !refusedWith(err, bridge.ErrBadRequest) || !errors.As(err, &e) || e.Reason != "schema_id: "+reason {
		t.Errorf("for all rows: %v", err)
	}
	i := startImport(t, w, bridge.ImportRequest{Defaults: []byte(`{"schema_id":"member"}`)},
		`{"email":"a@example.com","schema_id":"nope"}`, `{"email":"b@example.com","schema_id":"default"}`)
	runImports(t, w)
	rows := wantResults(t, w, i.ID, bridge.ResultFailed, bridge.ResultInvited)
	if rows[0].ErrorID != bridge.ErrTraitsInvalid.ID || rows[0].Reason != reason {
		t.Errorf("in a row: %+v", rows[0])
	}
	w.Kratos.Down()
	request.Defaults = []byte(`{"schema_id":"other"}`)
	if i = startImport(t, w, request, addresses(1)...); i.State != bridge.ImportRunning {
		t.Errorf("while Kratos is down: %+v", i)
	}
}

// TestImport_defaults: a default applies to rows without a value of their own.
func TestImport_defaults(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{Defaults: []byte(`{"inviter_id":"school","expires_in":"2h","notify":false}`)},
		`{"email":"a@example.com"}`, `{"email":"b@example.com","inviter_id":"teacher","notify":true}`)
	runImports(t, w)
	rows := wantResults(t, w, i.ID, bridge.ResultInvited, bridge.ResultInvited)
	a, errA := w.Service.Get(t.Context(), rows[0].InvitationID)
	b, errB := w.Service.Get(t.Context(), rows[1].InvitationID)
	if errA != nil || errB != nil || a.InviterID != "school" || b.InviterID != "teacher" || a.Delivery != bridge.DeliveryOff || b.Delivery != bridge.DeliveryQueued {
		t.Errorf("%+v, %+v", a, b)
	}
	if want := w.Clock.Now().Add(2 * time.Hour); !a.ExpiresAt.Equal(want) {
		t.Errorf("expires at %s, want %s", a.ExpiresAt, want)
	}
}
