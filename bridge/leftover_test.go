package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestLeftovers: whether the identity of an invitation that was not accepted is
// deleted.
func TestLeftovers(t *testing.T) {
	retention := 96 * time.Hour
	policies := map[bridge.Unaccepted]map[string]bool{ // whether it is deleted when the invitation …
		bridge.KeepUnaccepted: {"expires": false, "is revoked": false, "is purged": false, "is revoked and purged": false},
		bridge.DeleteAtPurge:  {"expires": false, "is revoked": true, "is purged": true, "is revoked and purged": true},
		bridge.DeleteAtExpiry: {"expires": true, "is revoked": true, "is purged": true, "is revoked and purged": true},
	}
	keptIf := map[string]func(*testing.T, *bridgetest.Harness, uuid.UUID){
		"":                          nil,
		"active":                    func(_ *testing.T, w *bridgetest.Harness, id uuid.UUID) { w.Kratos.ActivateByHand(id, ownerPassword) },
		"used, without credentials": func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) { toggle(t, w, id) },
		"used, with a session": func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			setState(t, w, id, "active")
			if _, err := w.Kratos.AddSession(id); err != nil {
				t.Fatal(err)
			}
			setState(t, w, id, "inactive")
		},
		"given a password": func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			body := `{"schema_id":"default","state":"inactive","traits":{"email":%q},"credentials":{"password":{"config":{"password":"theirs-1"}}},"metadata_admin":%s}`
			if err := w.Kratos.Replace(t.Context(), id, fmt.Sprintf(body, email, metadata(t, w, id))); err != nil {
				t.Fatal(err)
			}
		},
		"marked by another bridge": func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			patch(t, w, id, `[{"op":"add","path":"/metadata_admin/invitation","value":{"id":"`+uuid.NewString()+`"}}]`)
		},
		"unmarked": func(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
			patch(t, w, id, `[{"op":"replace","path":"/metadata_admin","value":{}}]`)
		},
	}
	for policy, ends := range policies {
		for how, deleted := range ends {
			for what, change := range keptIf {
				t.Run(strings.Join([]string{string(policy), how, what}, "/"), func(t *testing.T) {
					w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted, c.Retention = policy, retention })
					offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
					id := offer.Invitation.IdentityID
					if change != nil {
						change(t, w, id)
					}
					w.Clock.Advance(time.Minute)
					if strings.HasPrefix(how, "is revoked") {
						if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
							t.Fatal(err)
						}
					}
					w.Clock.Advance(2 * time.Hour)
					sweepRepeatedly(t, w)
					if strings.HasSuffix(how, "purged") {
						w.Clock.Advance(2 * retention)
						sweepRepeatedly(t, w)
						if _, err := w.Service.Get(t.Context(), offer.Invitation.ID); err == nil {
							t.Error("the invitation was not purged")
						}
					}
					if want := !deleted || change != nil; w.Kratos.Exists(id) != want {
						t.Errorf("the identity exists: %v, want %v", !want, want)
					}
				})
			}
		}
	}
}

// TestLeftoversOfOthers: identities that the bridge did not create are never
// deleted.
func TestLeftoversOfOthers(t *testing.T) {
	for _, origin := range []bridge.Origin{bridge.OriginAdopted, bridge.OriginReactivated} {
		w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry })
		id := w.Kratos.Add(email, false)
		if origin == bridge.OriginReactivated {
			useAndDeactivate(t, w, id)
		}
		offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: 2 * time.Hour, Reactivate: true})
		if offer.Invitation.Origin != origin {
			t.Fatalf("origin %s", offer.Invitation.Origin)
		}
		w.Clock.Advance(2 * time.Hour)
		sweepRepeatedly(t, w)
		if !w.Kratos.Exists(id) {
			t.Errorf("an identity that was %s is gone", origin)
		}
	}
}

// TestLeftoverWaitsForKratos: an invitation is purged only after its identity
// could be deleted.
func TestLeftoverWaitsForKratos(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted, c.Retention = bridge.DeleteAtPurge, 96*time.Hour })
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	w.Clock.Advance(time.Hour)
	sweepRepeatedly(t, w)
	w.Kratos.Down()
	w.Clock.Advance(96 * time.Hour)
	for range 3 {
		_, _ = w.Service.Sweep(t.Context())
	}
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.CloseIdleConnections()
	if _, err := w.Service.Get(t.Context(), offer.Invitation.ID); err != nil {
		t.Errorf("purged before the identity was deleted: %v", err)
	}
	sweepRepeatedly(t, w)
	_, err := w.Service.Get(t.Context(), offer.Invitation.ID)
	refused(t, err, bridge.ErrNotFound)
	if w.Kratos.Exists(offer.Invitation.IdentityID) {
		t.Error("the identity was not deleted")
	}
}
