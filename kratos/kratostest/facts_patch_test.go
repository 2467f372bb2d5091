package kratostest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// "add" below metadata_admin needs no parent, keeps the other members, and
// keeps digits of numbers that do not fit into a float64.
func factPatch(t *testing.T, _ environment, s *kratostest.Server) {
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

// A PATCH answers what a GET shows afterwards, except for the configs of
// credentials and the order of identifiers and addresses. In particular it shows
// state_changed_at in the same zone and with the same digits.
func factPatchAnswer(t *testing.T, _ environment, s *kratostest.Server) {
	email := freshEmail()
	traits := `"traits":{"email":"` + email + `","username":"name-` + email + `","second_email":"second-` + email + `"}`
	for _, own := range []string{
		``, `,"credentials":{"password":{"config":{"password":"` + password + `"}}},"metadata_public":{"n":1.10},"metadata_admin":{"n":12345678901234567890}`,
	} {
		id := must[uuid.UUID](t)(s.Create(t.Context(), `{"schema_id":"member","state":"inactive",`+traits+own+`}`))
		for _, patch := range []string{
			`[{"op":"replace","path":"/verifiable_addresses/0/verified","value":true}]`,
			`[{"op":"add","path":"/metadata_admin/invitation","value":{"n":1.10}}]`,
		} {
			answer := must[kratostest.Shown](t)(s.Patch(t.Context(), id, patch))
			shown := must[kratostest.Shown](t)(s.Show(t.Context(), id))
			if diff := cmp.Diff(shown, answer,
				cmpopts.IgnoreFields(kratostest.Shown{}, "UpdatedAt"), cmpopts.IgnoreFields(kratostest.ShownCredential{}, "Config"),
				cmpopts.SortSlices(strings.Compare),
				cmpopts.SortSlices(func(a, b kratostest.ShownAddress) int { return strings.Compare(a.Value, b.Value) }),
				cmp.Transformer("sorted", func(raw json.RawMessage) string { return sorted(t, string(raw)) })); diff != "" {
				t.Errorf("after %s: %s", patch, diff)
			}
		}
		check(t, s.Delete(t.Context(), id))
	}
}

// sorted returns a JSON text with its members in order and its numbers as
// written.
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
