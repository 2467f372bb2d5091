package bridge_test

import (
	"fmt"
	"net/http"
	"testing"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// TestNoSignIn: an identity whose schema or traits allow no sign-in by password
// is neither invited nor handed over.
func TestNoSignIn(t *testing.T) {
	t.Run("created", func(t *testing.T) {
		w := newWithSchema(t, "passwordless")
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
		refused(t, err, bridge.ErrTraitsInvalid)
		if made, gone := w.Kratos.Count(http.MethodPost, kratostest.RouteIdentities), w.Kratos.Count(http.MethodDelete, kratostest.RouteIdentity); made.Calls != 1 || gone.Calls != 1 {
			t.Errorf("%+v were created and %+v deleted", made, gone)
		}
	})
	t.Run("adopted", func(t *testing.T) {
		w := newWithSchema(t, "named")
		id := createIdentity(t, w, "named", "inactive", traits(`{"email":%q}`, email))
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: id})
		refused(t, err, bridge.ErrIdentityConflict)
	})
	t.Run("accepted", func(t *testing.T) {
		w := newWithSchema(t, "named")
		offer := invite(t, w, bridge.InviteRequest{Email: email, Traits: traits(`{"username":"ada"}`)})
		id := offer.Invitation.IdentityID
		replace := func(traits string) {
			t.Helper()
			body := fmt.Sprintf(`{"schema_id":"named","state":"inactive","traits":%s,"metadata_admin":{"invitation":{"id":%q}}}`, traits, offer.Invitation.ID)
			if err := w.Kratos.Replace(t.Context(), id, body); err != nil {
				t.Fatal(err)
			}
		}
		replace(`{"email":"` + email + `"}`)
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrKratosRejected)
		if w.Kratos.Puts() != 0 || w.Kratos.Active(id) {
			t.Error("it was written to")
		}
		replace(`{"email":"` + email + `","username":"lovelace"}`)
		if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err != nil {
			t.Error(err)
		}
		if err := w.Kratos.SignIn(t.Context(), "lovelace", password); err != nil {
			t.Error(err)
		}
	})
}
