package bridge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// after calls happens once, when the first such request has taken effect and
// before the bridge reads the response.
func after(w *bridgetest.Harness, method, route string, happens func(id uuid.UUID)) {
	done := false
	w.Kratos.After(func(_ int, r kratostest.Request) {
		if r.Method == method && r.Route == route && !done {
			done = true
			happens(r.ID)
		}
	})
}

// TestChangedWhileFound: an identity that was found is judged in its state at
// the time of the write.
func TestChangedWhileFound(t *testing.T) {
	for name, now := range map[string]string{
		"another address": `{"username":"dee","email":"other@example.com"}`,
		"no address":      `{"username":"dee"}`,
		"it is gone":      "",
	} {
		for _, route := range []string{kratostest.RouteIdentities, kratostest.RouteIdentity} { // after the search, and after the read
			t.Run(name+route, func(t *testing.T) {
				w := newWithSchema(t, "named")
				id := createIdentity(t, w, "named", "inactive", traits(`{"username":"dee","email":%q}`, email))
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

// TestTakenBack: an identity created for an invite that fails is deleted,
// unless someone else has taken it meanwhile.
func TestTakenBack(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*testing.T, *bridgetest.Harness, uuid.UUID)
		deleted bool
	}{
		"nothing happens": {func(*testing.T, *bridgetest.Harness, uuid.UUID) {}, true},
		"it gets another address": {func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			patch(t, w, id, `[{"op":"replace","path":"/traits/email","value":"other@example.com"}]`)
		}, true},
		"it is activated":                 {func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) { setState(t, w, id, "active") }, false},
		"it is activated and deactivated": {toggle, false},
		"it gets a key": {func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			if err := w.Kratos.SetCredential(id, "webauthn", `{"credentials":[{"is_passwordless":false}]}`); err != nil {
				t.Error(err)
			}
		}, false},
		"another bridge takes it": {func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			patch(t, w, id, `[{"op":"add","path":"/metadata_admin/invitation","value":{"id":"`+uuid.NewString()+`","origin":"adopted"}}]`)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWithSchema(t, "named")
			var id uuid.UUID
			after(w, http.MethodPost, kratostest.RouteIdentities, func(made uuid.UUID) {
				id = made
				c.happens(t, w, id)
			})
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email}) // without a user name
			refused(t, err, bridge.ErrTraitsInvalid)
			if w.Kratos.Exists(id) == c.deleted {
				t.Errorf("it was deleted: %v", !c.deleted)
			}
		})
	}
}

// TestInviteIdentityDeletedMeanwhile: the identity is read again under the
// lock.
func TestInviteIdentityDeletedMeanwhile(t *testing.T) {
	w := bridgetest.New(t)
	id := w.Kratos.Add(email, false)
	w.Kratos.Inject(kratostest.Fault{
		Method: http.MethodGet, Route: kratostest.RouteIdentity, Skip: 1, Times: 1,
		Arrived: func() { _ = w.Kratos.Delete(context.Background(), id) },
	})
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: id})
	refused(t, err, bridge.ErrIdentityConflict)
}
