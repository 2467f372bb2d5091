package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestLeftovers: what becomes of the identity of an invitation that nobody
// accepted.
func TestLeftovers(t *testing.T) {
	retention := 96 * time.Hour
	policies := map[bridge.Unaccepted]map[string]bool{ // is it deleted when the invitation …
		bridge.KeepUnaccepted: {"expires": false, "is revoked": false, "is purged": false, "is revoked and purged": false},
		bridge.DeleteAtPurge:  {"expires": false, "is revoked": true, "is purged": true, "is revoked and purged": true},
		bridge.DeleteAtExpiry: {"expires": true, "is revoked": true, "is purged": true, "is revoked and purged": true},
	}
	spared := map[string]func(*testing.T, *bridgetest.World, uuid.UUID){
		"":                          nil,
		"active":                    func(_ *testing.T, w *bridgetest.World, id uuid.UUID) { w.Kratos.ActivateByHand(id, theirs) },
		"used, without credentials": func(t *testing.T, w *bridgetest.World, id uuid.UUID) { toggle(t, w, id) },
		"used, with a session": func(t *testing.T, w *bridgetest.World, id uuid.UUID) {
			setState(t, w, id, "active")
			if _, err := w.Kratos.AddSession(id); err != nil {
				t.Fatal(err)
			}
			setState(t, w, id, "inactive")
		},
		"given a password": func(t *testing.T, w *bridgetest.World, id uuid.UUID) {
			body := `{"schema_id":"default","state":"inactive","traits":{"email":%q},"credentials":{"password":{"config":{"password":"theirs-1"}}},"metadata_admin":%s}`
			if err := w.Kratos.Replace(t.Context(), id, fmt.Sprintf(body, email, metadata(t, w, id))); err != nil {
				t.Fatal(err)
			}
		},
		"marked by another bridge": func(t *testing.T, w *bridgetest.World, id uuid.UUID) {
			patch(t, w, id, `[{"op":"add","path":"/metadata_admin/invitation","value":{"id":"`+uuid.NewString()+`"}}]`)
		},
		"unmarked": func(t *testing.T, w *bridgetest.World, id uuid.UUID) {
			patch(t, w, id, `[{"op":"replace","path":"/metadata_admin","value":{}}]`)
		},
	}
	for policy, ends := range policies {
		for how, deleted := range ends {
			for what, change := range spared {
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
					sweepTwice(t, w)
					if strings.HasSuffix(how, "purged") {
						w.Clock.Advance(2 * retention)
						sweepTwice(t, w)
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

func sweepTwice(t *testing.T, w *bridgetest.World) {
	t.Helper()
	for range 2 { // what a purge makes due is done by the next one
		if _, err := w.Service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func setState(t *testing.T, w *bridgetest.World, id uuid.UUID, state string) {
	t.Helper()
	if err := w.Kratos.SetState(t.Context(), id, state); err != nil {
		t.Fatal(err)
	}
}

func toggle(t *testing.T, w *bridgetest.World, id uuid.UUID) {
	t.Helper()
	setState(t, w, id, "active")
	setState(t, w, id, "inactive")
}

func patch(t *testing.T, w *bridgetest.World, id uuid.UUID, text string) {
	t.Helper()
	if _, err := w.Kratos.Patch(t.Context(), id, text); err != nil {
		t.Fatal(err)
	}
}

func metadata(t *testing.T, w *bridgetest.World, id uuid.UUID) string {
	t.Helper()
	shown, err := w.Kratos.Show(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return string(shown.MetadataAdmin)
}

// TestLeftoversOfOthers: what the bridge did not create is never deleted.
func TestLeftoversOfOthers(t *testing.T) {
	for _, origin := range []bridge.Origin{bridge.OriginAdopted, bridge.OriginReactivated} {
		w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry })
		id := w.Kratos.Add(email, false)
		if origin == bridge.OriginReactivated {
			used(t, w, id)
		}
		offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: 2 * time.Hour, Reactivate: true})
		if offer.Invitation.Origin != origin {
			t.Fatalf("origin %s", offer.Invitation.Origin)
		}
		w.Clock.Advance(2 * time.Hour)
		sweepTwice(t, w)
		if !w.Kratos.Exists(id) {
			t.Errorf("an identity that was %s is gone", origin)
		}
	}
}

// TestLeftoverWaitsForKratos: a purge waits until the identity could be deleted.
func TestLeftoverWaitsForKratos(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted, c.Retention = bridge.DeleteAtPurge, 96*time.Hour })
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	w.Clock.Advance(time.Hour)
	sweepTwice(t, w)
	w.Kratos.Down()
	w.Clock.Advance(96 * time.Hour)
	for range 3 {
		_, _ = w.Service.Sweep(t.Context())
	}
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.ForgetConnections()
	if _, err := w.Service.Get(t.Context(), offer.Invitation.ID); err != nil {
		t.Errorf("purged, and the identity is left: %v", err)
	}
	sweepTwice(t, w)
	_, err := w.Service.Get(t.Context(), offer.Invitation.ID)
	refused(t, err, bridge.ErrNotFound)
	if w.Kratos.Exists(offer.Invitation.IdentityID) {
		t.Error("the identity is left")
	}
}

// TestRevivalAsksHooks: reviving is inviting, so hooks are asked.
func TestRevivalAsksHooks(t *testing.T) {
	var asked []bridge.Payload
	refuse := false
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			if asked = append(asked, p); refuse {
				return bridge.ErrHookRefused
			}
			return nil
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	if _, err := w.Service.Resend(t.Context(), offer.Invitation.ID); err != nil || len(asked) != 1 {
		t.Errorf("a resend of a pending one: %v, asked %d times", err, len(asked))
	}
	w.Clock.Advance(2 * day)
	refuse = true
	_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
	refused(t, err, bridge.ErrHookRefused)
	letters := told(t, w)
	renew(t, w, offer.Token.Reveal()) // the holder of an old link learns nothing
	if len(asked) != 3 || told(t, w) != letters || stateOf(t, w, offer) != bridge.StateExpired {
		t.Errorf("asked %d times, %d emails, %s", len(asked), told(t, w), stateOf(t, w, offer))
	}
	refuse = false
	renew(t, w, offer.Token.Reveal())
	if len(asked) != 4 || told(t, w) != letters+1 || stateOf(t, w, offer) != bridge.StatePending {
		t.Errorf("asked %d times, %d emails, %s", len(asked), told(t, w), stateOf(t, w, offer))
	}
	for _, p := range asked {
		if p.Type != bridge.EventPreInvitation {
			t.Errorf("asked about %s", p.Type)
		}
	}
}

func TestRenewIsTurnedOff(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Renew = false })
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(2 * day)
	renew(t, w, offer.Token.Reveal())
	if w.Service.Renewable() || told(t, w) != 1 {
		t.Errorf("renewable: %v, %d emails", w.Service.Renewable(), told(t, w))
	}
}

// TestZones: Kratos on PostgreSQL with a TZ shows the wall clock there as if it
// were UTC.
func TestZones(t *testing.T) {
	for name, zone := range map[string]*time.Location{"east": time.FixedZone("", 9*3600), "west": time.FixedZone("", -5*3600)} {
		t.Run(name, func(t *testing.T) {
			var warned []string
			w := bridgetest.NewAt(t, kratostest.FakeOptions{Zone: zone, Precision: time.Microsecond}, func(c *bridge.Config) {
				c.Warn = func(text string, _ ...any) { warned = append(warned, text) }
			})
			pending := invite(t, w, bridge.InviteRequest{Email: email})
			noticed := invite(t, w, bridge.InviteRequest{Email: "b@example.com"})
			toggle(t, w, noticed.Invitation.IdentityID)
			tries(t, w, noticed, bridge.ErrRevoked)
			accept(t, w, pending, password)

			// One that was used just as much later as the zone is off looks unused.
			id := w.Kratos.Add("c@example.com", false)
			if name == "west" {
				w.Clock.Advance(5 * time.Hour)
				w.Clock.Advance(-20 * time.Second)
				toggle(t, w, id)
			}
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "c@example.com"})
			if e := refusal(t, err, bridge.ErrIdentityDeactivated); !strings.Contains(e.Reason, "TZ=UTC") {
				t.Errorf("the inviter is told %q", e.Reason)
			}
			if len(warned) != 1 || !strings.Contains(warned[0], "TZ=UTC") {
				t.Errorf("warned of %q", warned)
			}
		})
	}
}
