package bridge_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// after has something happen once a request of that kind took effect, and before
// the bridge reads of it.
func after(w *bridgetest.World, method, route string, happens func(id uuid.UUID)) {
	done := false
	w.Kratos.After(func(_ int, r kratostest.Request) {
		if r.Method == method && r.Route == route && !done {
			done = true
			happens(r.ID)
		}
	})
}

// TestChangedWhileFound: an identity that was found is judged as it is when it is
// written to.
func TestChangedWhileFound(t *testing.T) {
	for name, now := range map[string]string{
		"another address": `{"username":"dee","email":"other@example.com"}`,
		"no address":      `{"username":"dee"}`,
		"it is gone":      "",
	} {
		for _, route := range []string{kratostest.RouteIdentities, kratostest.RouteIdentity} { // once it is found, and once it was looked at
			t.Run(name+route, func(t *testing.T) {
				w := inCompany(t, "named")
				id := madeByHand(t, w, "named", "inactive", traits(`{"username":"dee","email":%q}`, email))
				after(w, http.MethodGet, route, func(uuid.UUID) {
					if now == "" {
						w.Kratos.Remove(id)
					} else if err := w.Kratos.Replace(t.Context(), id, `{"schema_id":"named","state":"inactive","traits":`+now+`}`); err != nil {
						t.Error(err)
					}
				})
				_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, Traits: traits(`{"username":"dee"}`)})
				refused(t, err, bridge.ErrIdentityConflict)
				if w.Kratos.Exists(id) && strings.Contains(metadata(t, w, id), "invitation") {
					t.Errorf("it was written to: %s", metadata(t, w, id))
				}
			})
		}
	}
}

// TestTakenBack: what was created in vain is deleted, unless somebody else has
// taken it meanwhile.
func TestTakenBack(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*testing.T, *bridgetest.World, uuid.UUID)
		deleted bool
	}{
		"nothing happens": {func(*testing.T, *bridgetest.World, uuid.UUID) {}, true},
		"it gets another address": {func(t *testing.T, w *bridgetest.World, id uuid.UUID) {
			patch(t, w, id, `[{"op":"replace","path":"/traits/email","value":"other@example.com"}]`)
		}, true},
		"it is activated":                 {func(t *testing.T, w *bridgetest.World, id uuid.UUID) { setState(t, w, id, "active") }, false},
		"it is activated and deactivated": {toggle, false},
		"it gets a key": {func(t *testing.T, w *bridgetest.World, id uuid.UUID) {
			if err := w.Kratos.SetCredential(id, "webauthn", `{"credentials":[{"is_passwordless":false}]}`); err != nil {
				t.Error(err)
			}
		}, false},
		"another bridge takes it": {func(t *testing.T, w *bridgetest.World, id uuid.UUID) {
			patch(t, w, id, `[{"op":"add","path":"/metadata_admin/invitation","value":{"id":"`+uuid.NewString()+`","origin":"adopted"}}]`)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := inCompany(t, "named")
			var id uuid.UUID
			after(w, http.MethodPost, kratostest.RouteIdentities, func(made uuid.UUID) {
				id = made
				c.happens(t, w, id)
			})
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email}) // and no user name
			refused(t, err, bridge.ErrTraitsInvalid)
			if w.Kratos.Exists(id) == c.deleted {
				t.Errorf("it was deleted: %v", !c.deleted)
			}
		})
	}
}
