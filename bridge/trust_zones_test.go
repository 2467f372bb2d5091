package bridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// TestTrust_zones: Kratos on PostgreSQL, in several time zones. Up to v26.2.0 it
// shows local times as if they were UTC there.
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
			shifted := l.shifted(t)
			t.Logf("shifted: %t", shifted)
			if shifted && zone == "UTC" {
				t.Error("times are shifted in UTC")
			}
			l.invitesIn(t)
			l.adoptsIn(t, shifted)
			if zone != "UTC" {
				l.mendZone(t, kratos, o, shifted)
			}
		})
	}
}

// shifted says whether Kratos shows a change of state at another instant than
// it said when it made the identity.
func (l *live) shifted(t *testing.T) bool {
	t.Helper()
	instant := func(s kratostest.Shown) time.Time {
		return must[time.Time](t)(time.Parse(time.RFC3339Nano, s.StateChangedAt))
	}
	made := must[kratostest.Shown](t)(l.CreateShown(t.Context(), inactive(freshEmail())))
	read := must[kratostest.Shown](t)(l.Show(t.Context(), made.ID))
	return instant(made).Sub(instant(read)).Abs() > time.Second
}

// invitesIn: what needs no more than that a time is shown as it was shown before.
func (l *live) invitesIn(t *testing.T) {
	t.Helper()
	l.honest(t, l.invite(t, bridge.InviteRequest{Email: freshEmail()}))
	l.honest(t, invitedAnew(25*time.Hour, nil)(t, l, freshEmail()))

	activatedMeanwhile(t, l, byNobody)

	h := l.newHolder(t)
	do(t, l.SetState(t.Context(), h.id, "inactive"))
	l.handsOver(t, h.again(), h.id, bridge.OriginReactivated)
}

// adoptsIn: to tell that an identity was never used, times must be right.
func (l *live) adoptsIn(t *testing.T, shifted bool) {
	t.Helper()
	adopted := freshEmail()
	id := must[uuid.UUID](t)(l.Create(t.Context(), inactive(adopted)))
	if !shifted {
		l.handsOver(t, bridge.InviteRequest{Email: adopted}, id, bridge.OriginAdopted)
		return
	}
	l.zoneRefused(t, adopted)
	l.handsOver(t, bridge.InviteRequest{Email: adopted, Reactivate: true}, id, bridge.OriginReactivated)
}

// zoneRefused: the inviter of an identity that was never used is told of the
// zone.
func (l *live) zoneRefused(t *testing.T, email string) {
	t.Helper()
	_, err := l.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	if e := refusal(t, err, bridge.ErrIdentityDeactivated); !strings.Contains(e.Reason, "TZ=UTC") {
		t.Errorf("the reason is %q", e.Reason)
	}
}

// mendZone restarts Kratos in UTC. What was invited before is accepted; what was
// shifted stays so; and it can be said since when times are right.
func (l *live) mendZone(t *testing.T, kratos *kratostest.Server, o kratostest.Options, shifted bool) {
	t.Helper()
	pending := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	old := freshEmail()
	oldID := must[uuid.UUID](t)(l.Create(t.Context(), inactive(old)))
	do(t, kratos.Stop())
	o.Env = []string{"TZ=UTC"}
	mended := newLive(t, kratostest.StartEveryMethod(t, o))
	l.Server, l.identities = mended.Server, mended.identities
	l.restart(t, l.path)
	since := time.Now()
	later := freshEmail()
	laterID := must[uuid.UUID](t)(l.Create(t.Context(), inactive(later)))
	if !shifted {
		l.honest(t, pending)
		l.handsOver(t, bridge.InviteRequest{Email: old}, oldID, bridge.OriginAdopted)
		l.handsOver(t, bridge.InviteRequest{Email: later}, laterID, bridge.OriginAdopted)
		return
	}
	l.zoneRefused(t, old)
	l.zoneRefused(t, later)
	l.config.NeverUsedSince = since
	l.restart(t, l.path)
	_, err := l.Service.Invite(t.Context(), bridge.InviteRequest{Email: old})
	refused(t, err, bridge.ErrIdentityDeactivated)
	l.handsOver(t, bridge.InviteRequest{Email: later}, laterID, bridge.OriginAdopted)
	l.honest(t, pending)
	l.invitesIn(t)
}
