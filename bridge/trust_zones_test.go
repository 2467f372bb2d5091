package bridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// TestTrust_zones: Kratos on PostgreSQL, in several time zones. Up to v26.2.0
// it shows local times as if they were UTC there.
func TestTrust_zones(t *testing.T) {
	t.Parallel()
	postgres := kratostest.SharedPostgres(t)
	for _, zone := range []string{"UTC", "Asia/Tokyo", "America/New_York"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			o := kratostest.Options{Env: []string{"TZ=" + zone}}
			o.DSN = must[string](t)(postgres.NewDatabase(t.Context()))
			kratos := kratostest.StartEveryMethod(t, o)
			l := newLive(t, kratos)
			shifted := l.timesShifted(t)
			t.Logf("shifted: %t", shifted)
			if shifted && zone == "UTC" {
				t.Error("times are shifted in UTC")
			}
			l.checkInvites(t)
			l.checkAdoption(t, shifted)
			if zone != "UTC" {
				l.restartInUTC(t, kratos, o, shifted)
			}
		})
	}
}

// timesShifted reports whether Kratos shows a change of state at another
// instant than it said when it created the identity.
func (l *liveBridge) timesShifted(t *testing.T) bool {
	t.Helper()
	instant := func(s kratostest.Shown) time.Time {
		return must[time.Time](t)(time.Parse(time.RFC3339Nano, s.StateChangedAt))
	}
	made := must[kratostest.Shown](t)(l.CreateShown(t.Context(), inactive(freshEmail())))
	read := must[kratostest.Shown](t)(l.Show(t.Context(), made.ID))
	return instant(made).Sub(instant(read)).Abs() > time.Second
}

// checkInvites checks what needs no more than that a time is always shown the
// same way.
func (l *liveBridge) checkInvites(t *testing.T) {
	t.Helper()
	l.acceptAndCheck(t, l.invite(t, bridge.InviteRequest{Email: freshEmail()}))
	l.acceptAndCheck(t, inviteAgain(25*time.Hour, nil)(t, l, freshEmail()))

	activatedMeanwhile(t, l, notUsed)

	h := l.newHolder(t)
	noError(t, l.SetState(t.Context(), h.id, "inactive"))
	l.inviteAndAccept(t, h.again(), h.id, bridge.OriginReactivated)
}

// checkAdoption: the bridge can only tell that an identity was never used if
// times are right.
func (l *liveBridge) checkAdoption(t *testing.T, shifted bool) {
	t.Helper()
	adopted := freshEmail()
	id := must[uuid.UUID](t)(l.Create(t.Context(), inactive(adopted)))
	if !shifted {
		l.inviteAndAccept(t, bridge.InviteRequest{Email: adopted}, id, bridge.OriginAdopted)
		return
	}
	l.checkZoneReason(t, adopted)
	l.inviteAndAccept(t, bridge.InviteRequest{Email: adopted, Reactivate: true}, id, bridge.OriginReactivated)
}

// checkZoneReason: inviting an identity that was never used fails with a reason
// that names the time zone.
func (l *liveBridge) checkZoneReason(t *testing.T, email string) {
	t.Helper()
	_, err := l.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	if e := refusal(t, err, bridge.ErrIdentityDeactivated); !strings.Contains(e.Reason, "TZ=UTC") {
		t.Errorf("the reason is %q", e.Reason)
	}
}

// restartInUTC restarts Kratos in UTC. Invitations from before can be accepted,
// times shown shifted stay so, and NeverUsedSince can say from when times are
// right.
func (l *liveBridge) restartInUTC(t *testing.T, kratos *kratostest.Server, o kratostest.Options, shifted bool) {
	t.Helper()
	pending := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	old := freshEmail()
	oldID := must[uuid.UUID](t)(l.Create(t.Context(), inactive(old)))
	noError(t, kratos.Stop())
	o.Env = []string{"TZ=UTC"}
	inUTC := newLive(t, kratostest.StartEveryMethod(t, o))
	l.Server, l.identities = inUTC.Server, inUTC.identities
	l.restart(t, l.path)
	since := time.Now()
	later := freshEmail()
	laterID := must[uuid.UUID](t)(l.Create(t.Context(), inactive(later)))
	if !shifted {
		l.acceptAndCheck(t, pending)
		l.inviteAndAccept(t, bridge.InviteRequest{Email: old}, oldID, bridge.OriginAdopted)
		l.inviteAndAccept(t, bridge.InviteRequest{Email: later}, laterID, bridge.OriginAdopted)
		return
	}
	l.checkZoneReason(t, old)
	l.checkZoneReason(t, later)
	l.config.NeverUsedSince = since
	l.restart(t, l.path)
	_, err := l.Service.Invite(t.Context(), bridge.InviteRequest{Email: old})
	refused(t, err, bridge.ErrIdentityDeactivated)
	l.inviteAndAccept(t, bridge.InviteRequest{Email: later}, laterID, bridge.OriginAdopted)
	l.acceptAndCheck(t, pending)
	l.checkInvites(t)
}
