package bridge_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// showTraits configures the traits that messages show.
func showTraits(paths ...string) func(*bridge.Config) {
	return func(c *bridge.Config) { c.MessageTraits = paths }
}

func TestTraitsInMessages(t *testing.T) {
	want := map[string]string{"name.first": "Ada", "email": email}
	var calls int
	w := bridgetest.New(t, showTraits("name.first", "department", "name", "email"), func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			calls++
			if diff := cmp.Diff(want, p.Data.Invitation.Traits); diff != "" {
				t.Errorf("%s (-want +got):\n%s", p.Type, diff)
			}
			return nil
		})
	})
	offer := invite(t, w, bridge.InviteRequest{
		Email: email, Traits: json.RawMessage(`{"name":{"first":" Ada\u202e\n","last":"Lovelace"}}`),
		InviterEmail: "Grace@EXAMPLE.com", TimeZone: "Europe/Berlin",
	})
	if diff := cmp.Diff(want, offer.Invitation.Traits); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if inv := offer.Invitation; inv.InviterEmail != "grace@example.com" || inv.TimeZone != "Europe/Berlin" {
		t.Errorf("got %+v", inv)
	}
	if calls == 0 {
		t.Error("no hook was called")
	}
	// Each message has them, and inviting the address again keeps them.
	again := invite(t, w, bridge.InviteRequest{Email: email})
	messages, _, err := w.Service.Messages(t.Context(), bridge.MessageQuery{InvitationID: again.Invitation.ID, Limit: 10})
	if err != nil || len(messages) == 0 {
		t.Fatal(messages, err)
	}
	for _, m := range messages {
		v := m.Payload.Data.Invitation
		if diff := cmp.Diff(want, v.Traits); diff != "" || v.InviterEmail != "grace@example.com" || v.TimeZone != "Europe/Berlin" {
			t.Errorf("%s: got %+v", m.Endpoint, v)
		}
	}
}

// TestTraitsOfTheIdentity: an identity invited without traits contributes its
// own.
func TestTraitsOfTheIdentity(t *testing.T) {
	w := bridgetest.New(t, showTraits("name.first"))
	first := invite(t, w, bridge.InviteRequest{Email: email, Traits: json.RawMessage(`{"name":{"first":"Ada"}}`)})
	if _, err := w.Service.Revoke(t.Context(), first.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]bridge.InviteRequest{
		"by address": {Email: email}, "by id": {IdentityID: first.Invitation.IdentityID},
	} {
		offer := invite(t, w, r)
		if got := offer.Invitation.Traits["name.first"]; got != "Ada" || offer.Invitation.IdentityID != first.Invitation.IdentityID {
			t.Errorf("%s: got %+v", name, offer.Invitation)
		}
		if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoTraits: traits that were not configured are not stored.
func TestNoTraits(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email, Traits: json.RawMessage(`{"name":{"first":"Ada"}}`)})
	if offer.Invitation.Traits != nil {
		t.Errorf("got %v", offer.Invitation.Traits)
	}
}

func TestInviterEmailAndTimeZone(t *testing.T) {
	w := bridgetest.New(t)
	for _, address := range []string{
		"grace", "a@x.example, b@x.example", "Grace <a@x.example>", "a@x.example\r\nBcc: b@x.example", "a@x.example\x00", "\"a b\"@x.example",
		strings.Repeat("a", 65) + "@x.example", "a@" + strings.Repeat("a.", 126) + "xyz", "ädä@x.example", "=?utf-8?q?eve=40evil.example?=@x.example",
		"a@x.example;b@x.example", "a@x.example\u2028", "a@[192.0.2.1]", "mailto:a@x.example", "a@x.example?bcc=b@x.example",
	} {
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, InviterEmail: address})
		if e := refusal(t, err, bridge.ErrBadRequest); !strings.Contains(e.Reason, "inviter_email") {
			t.Errorf("%q: %v", address, e)
		}
	}
	for _, zone := range []string{
		"Local", "localtime", "Berlin", "Europe/Nowhere", "../etc/passwd", "/etc/passwd", "Europe/../UTC", "CET\n", "+01:00", strings.Repeat("x", 300),
	} {
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, TimeZone: zone})
		if e := refusal(t, err, bridge.ErrBadRequest); !strings.Contains(e.Reason, "timezone") {
			t.Errorf("%q: %v", zone, e)
		}
	}
	// A name that is too long is not looked up: it could be as long as a request body.
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, TimeZone: strings.Repeat("a/", 129) + "b"})
	if e := refusal(t, err, bridge.ErrBadRequest); !strings.Contains(e.Reason, "timezone must be at most 256 bytes") {
		t.Errorf("got %v", e)
	}
	if events := w.EventsFor(t, bridgetest.Hook); len(events) != 0 {
		t.Errorf("events %v", events)
	}
}

func TestLocalTime(t *testing.T) {
	winter, summer := time.Date(2030, 1, 5, 14, 0, 0, 0, time.UTC), time.Date(2030, 7, 5, 14, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		at          time.Time
		zone, clock string
	}{
		{winter, "", "14:00 UTC"}, {winter, "no/zone", "14:00 UTC"}, {winter, "UTC", "14:00 UTC"}, {summer, "Etc/UTC", "14:00 UTC"},
		{winter, "Europe/Berlin", "15:00 UTC+1"}, {summer, "Europe/Berlin", "16:00 UTC+2"},
		{winter, "Europe/London", "14:00 UTC"}, {winter, "America/New_York", "09:00 UTC-5"},
		{winter, "America/St_Johns", "10:30 UTC-3:30"}, {winter, "Asia/Kolkata", "19:30 UTC+5:30"},
		{winter, "America/Argentina/Buenos_Aires", "11:00 UTC-3"},
		{time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), "Africa/Monrovia", "23:15 UTC-0:44"},
	} {
		local, words := bridge.LocalTime(test.at, test.zone)
		if got := local.Format("15:04 ") + words; got != test.clock || !local.Equal(test.at) {
			t.Errorf("%s: got %s, want %s", test.zone, got, test.clock)
		}
	}
}
