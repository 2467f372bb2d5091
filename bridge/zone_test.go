package bridge_test

import (
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestZones: Kratos on PostgreSQL with TZ set shows local times as if they were
// UTC.
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
			acceptRefused(t, w, noticed, bridge.ErrRevoked)
			accept(t, w, pending, password)

			// An identity used exactly the zone offset after its creation looks unused.
			id := w.Kratos.Add("c@example.com", false)
			if name == "west" {
				w.Clock.Advance(5 * time.Hour)
				w.Clock.Advance(-20 * time.Second)
				toggle(t, w, id)
			}
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "c@example.com"})
			if e := refusal(t, err, bridge.ErrIdentityDeactivated); !strings.Contains(e.Reason, "TZ=UTC") {
				t.Errorf("reason: %q", e.Reason)
			}
			if len(warned) != 1 || !strings.Contains(warned[0], "TZ=UTC") {
				t.Errorf("warned of %q", warned)
			}
		})
	}
}
