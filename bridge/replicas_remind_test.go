package bridge_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestReplicasRemind: of replicas that remind at once, one does.
func TestReplicasRemind(t *testing.T) {
	const invitations = 30 // more than one batch
	first := bridgetest.NewOn(t, bridgetest.Postgres, kratostest.FakeOptions{}, func(c *bridge.Config) { c.Reminders = []time.Duration{time.Hour} })
	second := first.Replica(t)
	for i := range invitations {
		invite(t, first, bridge.InviteRequest{Email: string(rune('a'+i)) + "@example.com"})
	}
	deliver(t, first, bridge.AttemptSent)
	first.Clock.Advance(23 * time.Hour)
	var reminding sync.WaitGroup
	reminded := make([]int, 4)
	for i := range reminded {
		w := []*bridgetest.Harness{first, second}[i%2]
		reminding.Go(func() {
			var err error
			if reminded[i], err = w.Service.Remind(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	reminding.Wait()
	total := remind(t, first)
	for _, n := range reminded {
		total += n
	}
	if emails, hooks := reminders(t, second, bridge.EndpointCourier), reminders(t, second, bridgetest.Hook); total != invitations || emails != invitations || hooks != invitations {
		t.Errorf("%v: %d emails, %d for the hook", reminded, emails, hooks)
	}
}

// TestReplicasRemindSeen: a replica has seen that a reminder is due, and before it emits
// it, another one does.
func TestReplicasRemindSeen(t *testing.T) {
	first := bridgetest.NewOn(t, bridgetest.Postgres, kratostest.FakeOptions{}, func(c *bridge.Config) { c.Reminders = []time.Duration{time.Hour, 30 * time.Minute} })
	second := first.Replica(t)
	offer := inviteAndSend(t, first, bridge.InviteRequest{Email: email})
	first.Clock.Advance(23 * time.Hour)
	waiting, resume := suspended(second, 1)
	done := make(chan int, 1)
	go func() {
		n, err := second.Service.Remind(context.Background())
		if err != nil {
			t.Error(err)
		}
		done <- n
	}()
	<-waiting
	if n := remind(t, first); n != 1 {
		t.Errorf("the first emits %d reminders", n)
	}
	resume()
	if n := <-done; n != 0 || reminders(t, first, bridge.EndpointCourier) != 1 {
		t.Errorf("the second emits %d reminders, %d in total", n, reminders(t, first, bridge.EndpointCourier))
	}
	if inv := get(t, first, offer.Invitation.ID); inv.ReminderCount != 1 || !inv.RemindAt.Equal(inv.ExpiresAt.Add(-30*time.Minute)) {
		t.Errorf("%d counted, the next at %s", inv.ReminderCount, inv.RemindAt)
	}
}
