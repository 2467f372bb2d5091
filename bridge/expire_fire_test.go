package bridge_test

import (
	"net/http"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestExpiredUnderFire: Kratos fails every write for a minute, and somebody
// accepts five times a second. An invitation of eight seconds is over then,
// whatever claim each attempt has left behind.
func TestExpiredUnderFire(t *testing.T) {
	w := bridgetest.New(t)
	heal := w.Kratos.OnPut(bridgetest.Answer(http.StatusInternalServerError))
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: 8 * time.Second})
	began, failed := w.Clock.Now(), 0
	healed := false
	for ; w.Clock.Now().Sub(began) < 2*time.Minute; w.Clock.Advance(200 * time.Millisecond) {
		passed := w.Clock.Now().Sub(began)
		if !healed && passed >= time.Minute {
			heal()
			healed, failed = true, w.Kratos.Puts()
		}
		if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
			t.Fatalf("accepted after %v", passed)
		}
		if passed%(5*time.Second) == 0 {
			if _, err := w.Service.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if failed < 3 || w.Kratos.Puts() > failed {
		t.Errorf("%d writes failed, and %d were sent after that", failed, w.Kratos.Puts()-failed)
	}
	if inv, err := w.Service.Get(t.Context(), offer.Invitation.ID); err != nil || inv.State != bridge.StateExpired {
		t.Errorf("%s, %v", inv.State, err)
	}
}
