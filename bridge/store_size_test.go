package bridge_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestStoreIsBounded: terminal invitations are purged and their space is
// reused, so that the file is as large after years as after the first few
// retention periods.
func TestStoreIsBounded(t *testing.T) {
	const rounds, each = 8, 200
	w := bridgetest.New(t, func(c *bridge.Config) { c.Retention = 96 * time.Hour })
	var sizes []int64
	for round := range rounds {
		var inviting sync.WaitGroup
		for i := range each {
			inviting.Go(func() {
				request := bridge.InviteRequest{Email: fmt.Sprintf("u%d-%d@example.com", round, i), ExpiresIn: time.Hour}
				if _, err := w.Service.Invite(t.Context(), request); err != nil {
					t.Error(err)
				}
			})
		}
		inviting.Wait()
		sendAll(t, w)
		w.Clock.Advance(time.Hour)
		if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Expired != each {
			t.Fatalf("swept %+v, %v", swept, err)
		}
		sendAll(t, w)
		w.Clock.Advance(96 * time.Hour)
		if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Purged != each {
			t.Fatalf("swept %+v, %v", swept, err)
		}
		info, err := os.Stat(w.StorePath)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	t.Logf("bytes after each round: %d", sizes)
	if first, last := sizes[2], sizes[rounds-1]; last > first*11/10 {
		t.Errorf("the store grows: %d bytes after three retentions, %d after %d", first, last, rounds)
	}
}

// sendAll makes every endpoint accept its queued messages.
func sendAll(t *testing.T, w *bridgetest.Harness) {
	t.Helper()
	for _, endpoint := range []string{bridge.EndpointCourier, bridgetest.Hook} {
		for {
			claimed, _, err := w.Service.ClaimMessages(t.Context(), endpoint, 50, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if len(claimed) == 0 {
				break
			}
			var finishing sync.WaitGroup
			for _, c := range claimed {
				finishing.Go(func() {
					if err := w.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: bridge.AttemptSent}}); err != nil {
						t.Error(err)
					}
				})
			}
			finishing.Wait()
		}
	}
}
