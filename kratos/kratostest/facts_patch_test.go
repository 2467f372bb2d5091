package kratostest_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/kratos/kratostest"
)

// "add" below metadata_admin needs no parent, leaves the rest, and keeps the
// digits of numbers that a float64 has no room for.
func factPatch(t *testing.T, _ place, s *kratostest.Server) {
	for before, want := range map[string]string{
		`null`:                         `{"invitation":{"n":98765432109876543210}}`,
		`{}`:                           `{"invitation":{"n":98765432109876543210}}`,
		`{"x":12345678901234567890}`:   `{"invitation":{"n":98765432109876543210},"x":12345678901234567890}`,
		`{"invitation":{"old":"one"}}`: `{"invitation":{"n":98765432109876543210}}`,
	} {
		id := must[kratostest.Shown](t)(s.CreateShown(t.Context(),
			`{"schema_id":"member","state":"inactive","traits":{"email":"`+freshEmail()+`"},"metadata_admin":`+before+`}`)).ID
		answer := must[kratostest.Shown](t)(s.Patch(t.Context(), id,
			`[{"op":"add","path":"/metadata_admin/invitation","value":{"n":98765432109876543210}}]`))
		shown := must[kratostest.Shown](t)(s.Show(t.Context(), id))
		for from, got := range map[string]json.RawMessage{"the answer": answer.MetadataAdmin, "GET": shown.MetadataAdmin} {
			if diff := cmp.Diff(sorted(t, want), sorted(t, string(got))); diff != "" {
				t.Errorf("on %s, by %s: %s", before, from, diff)
			}
		}
	}
}

// sorted gives a JSON text with its members in order, and its numbers as written.
func sorted(t *testing.T, text string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		var spaceless json.RawMessage
		if err := json.Unmarshal(value, &spaceless); err != nil {
			t.Fatal(err)
		}
		members[name] = spaceless
	}
	out, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
