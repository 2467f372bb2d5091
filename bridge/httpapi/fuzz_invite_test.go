package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// FuzzInviteBody: whatever an inviter posts makes an invitation of the address
// in it, or is refused; then nothing is there that was not there before, and
// what is no JSON reaches neither the store nor Kratos.
func FuzzInviteBody(f *testing.F) {
	d := openDoor(f)
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
		before := d.mark()
		got := d.send(t, d.admin, http.MethodPost, base+"/", "", "application/json", body)
		after := d.mark()
		switch {
		case !isObject(body) && (got.status < 400 || after != before):
			t.Fatalf("no JSON object, and %d; %+v became %+v", got.status, before, after)
		case got.status >= 400 && (after.commits != before.commits || after.identities != before.identities):
			t.Fatalf("refused with %d, and %+v became %+v", got.status, before, after)
		case got.status < 300:
			d.closeInvited(t, body, got)
		}
	})
}

// closeInvited looks at what was made, and takes it away again: the next input
// is to find the same world.
func (d *door) closeInvited(t *testing.T, body []byte, got answer) {
	t.Helper()
	var sent struct {
		Email string `json:"email"`
	}
	var made offer
	got.into(t, &made)
	_ = json.Unmarshal(body, &sent)
	inv, err := d.Service.Look(t.Context(), made.Token)
	if err != nil || inv.ID.String() != made.ID || inv.State != bridge.StatePending {
		t.Fatalf("the answer promised %s, and there is %+v, %v", got.body, inv, err)
	}
	if local, _, _ := strings.Cut(sent.Email, "@"); !strings.HasPrefix(inv.Email, strings.ToLower(local)+"@") {
		t.Fatalf("%q was asked for, and %q invited", sent.Email, inv.Email)
	}
	if _, err := d.Service.Revoke(t.Context(), inv.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.Kratos.Delete(t.Context(), inv.IdentityID); err != nil {
		t.Fatal(err)
	}
}
