package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// FuzzInviteBody: any body either creates an invitation of the address that it
// contains or is rejected. A rejected body creates nothing, and one that is not
// JSON reaches neither the store nor Kratos.
func FuzzInviteBody(f *testing.F) {
	d := newFuzzTarget(f)
	for _, seed := range []string{
		`{"email":"ada@example.com"}`, `{"email":"ada@example.com","email":"b@example.com"}`, `{"identity_id":"` + uuid.Nil.String() + `"}`,
		`{"email":"b@example.com","traits":{"email":"B@example.com","n":1e400},"metadata_public":[null,-0,1E+2],"metadata_admin":{"invitation":1}}`,
		`{"email":"c@münchen.de","expires_in":"48h","notify":false,"locale":"de","inviter_id":"7","inviter_name":"G <H>","return_to":"https://x.y"}`,
		`{"email":"d@example.com","schema_id":"nobody","traits":{"a":"\u0000"}}`, `{"email":"e@example.com","traits":{"email":{"x":1}}}`,
		"\ufeff{}", `{"email":null}`, `[]`, `{"a":`, "{\"email\":\"\xff@x.y\"}", `{"email":"f@example.com"} {}`, `{"email":"g@example.com","metadata_admin":{"a":{"b":[]}},"traits":{"name":{"first":"x"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := d.counts()
		got := d.send(t, d.admin, http.MethodPost, base+"/", "", "application/json", body)
		after := d.counts()
		switch {
		case !isObject(body) && (got.status < 400 || after != before):
			t.Fatalf("not a JSON object, but %d; %+v became %+v", got.status, before, after)
		case got.status >= 400 && (after.commits != before.commits || after.identities != before.identities):
			t.Fatalf("rejected with %d, but %+v became %+v", got.status, before, after)
		case got.status < 300:
			d.checkAndRemove(t, body, got)
		}
	})
}

// checkAndRemove checks the invitation that was created, and removes it: the next
// input must find the same state.
func (d *fuzzTarget) checkAndRemove(t *testing.T, body []byte, got answer) {
	t.Helper()
	var sent struct {
		Email string `json:"email"`
	}
	var made issuedInvitation
	got.into(t, &made)
	_ = json.Unmarshal(body, &sent)
	inv, err := d.Service.Preview(t.Context(), made.Token)
	if err != nil || inv.ID.String() != made.ID || inv.State != bridge.StatePending {
		t.Fatalf("the response is %s, but the invitation is %+v, %v", got.body, inv, err)
	}
	if local, _, _ := strings.Cut(sent.Email, "@"); !strings.HasPrefix(inv.Email, strings.ToLower(local)+"@") {
		t.Fatalf("%q was requested, but %q invited", sent.Email, inv.Email)
	}
	if _, err := d.Service.Revoke(t.Context(), inv.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.Kratos.Delete(t.Context(), inv.IdentityID); err != nil {
		t.Fatal(err)
	}
}
