package bridge_test

import (
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// usedAccount adds an account that was used exactly the offset of New York after its creation
// and deactivated since: with shifted times it looks never used.
func usedAccount(t *testing.T, w *bridgetest.Harness, address string) {
	t.Helper()
	id := w.Kratos.Add(address, false)
	w.Clock.Advance(5*time.Hour - 20*time.Second)
	toggle(t, w, id)
}

func newYork() kratostest.FakeOptions {
	return kratostest.FakeOptions{Zone: time.FixedZone("", -5*3600), Precision: time.Microsecond}
}

// TestImport_zone: a bridge that has only imported finds out that Kratos shows local times,
// and adopts no account that was used.
func TestImport_zone(t *testing.T) {
	w := bridgetest.NewAt(t, newYork())
	i := startImport(t, w, bridge.ImportRequest{}, addresses(25)...)
	runToEnd(t, w, i.ID)
	usedAccount(t, w, "c@example.com")
	i = startImport(t, w, bridge.ImportRequest{}, `{"email":"c@example.com"}`, `{"email":"d@example.com"}`)
	runToEnd(t, w, i.ID)
	if row := rowsOf(t, w, i.ID)[0]; row.Result != bridge.ResultFailed || row.ErrorID != bridge.ErrIdentityDeactivated.ID {
		t.Errorf("a used account: %s %s", row.Result, row.ErrorID)
	}
}

// TestImport_zoneAfterRestart: nor does one that was started again after an import.
func TestImport_zoneAfterRestart(t *testing.T) {
	for name, rows := range map[string]int{"without an import": 0, "after an import": 25} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.NewAt(t, newYork())
			invite(t, w, bridge.InviteRequest{Email: email})
			if rows > 0 {
				i := startImport(t, w, bridge.ImportRequest{}, addresses(rows)...)
				runToEnd(t, w, i.ID)
			}
			w.Restart(t)
			usedAccount(t, w, "c@example.com")
			issued, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "c@example.com"})
			if err == nil {
				inv, err := w.Service.Accept(t.Context(), issued.Token.Reveal(), password)
				t.Errorf("a used account was %s, and then %s: %v", issued.Invitation.Origin, inv.State, err)
			}
		})
	}
}

// TestImport_zoneAccept: what an import has invited in such a zone is accepted.
func TestImport_zoneAccept(t *testing.T) {
	for name, offset := range map[string]int{"west": -5, "east": 9} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.NewAt(t, kratostest.FakeOptions{Zone: time.FixedZone("", offset*3600), Precision: time.Microsecond})
			i := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
			runToEnd(t, w, i.ID)
			claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
			if err != nil || len(claimed) != 3 {
				t.Fatal(len(claimed), err)
			}
			for _, m := range claimed {
				if inv, err := w.Service.Accept(t.Context(), m.Dispatch.Payload.Data.Token, password); err != nil || inv.Origin != bridge.OriginCreated {
					t.Errorf("%+v, %v", inv, err)
				}
			}
		})
	}
}
