package bridge_test

import (
	"encoding/json"
	"testing"

	"invitebridge/bridge"
)

// TestImportView_earlier: a message that an earlier release has stored is still readable.
func TestImportView_earlier(t *testing.T) {
	for text, want := range map[string]bridge.Creator{
		`{"rows":3,"created_by":"backend"}`:                      bridge.ByKey("backend"),
		`{"rows":3,"created_by":{"kind":"key","id":"backend"}}`:  bridge.ByKey("backend"),
		`{"rows":3,"created_by":{"kind":"session","id":"0197"}}`: {Kind: bridge.CreatorSession, ID: "0197"},
		`{"rows":3}`: {},
	} {
		var v bridge.ImportView
		if err := json.Unmarshal([]byte(text), &v); err != nil || v.CreatedBy != want || v.Rows != 3 {
			t.Errorf("%s: %+v, %v", text, v, err)
		}
	}
	var v bridge.ImportView
	if err := json.Unmarshal([]byte(`{"created_by":1}`), &v); err == nil {
		t.Errorf("%+v", v)
	}
}
