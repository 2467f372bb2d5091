package bridge_test

import (
	"encoding/json"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestNUL: the character U+0000 is refused, and a text about it is none.
func TestNUL(t *testing.T) {
	w := bridgetest.New(t)
	for text, refuse := range map[string]bool{
		`"\u0000"`: true, `"a\u0000b"`: true, `"\\\u0000"`: true, `"\\\\\u0000"`: true, `"\u005c\u0000"`: true,
		`"\\u0000"`: false, `"\\\\u0000"`: false, `"\\\\\\u0000"`: false, `"\u005cu0000"`: false, `"u0000"`: false, `"\u00000"`: true, `"\u0001"`: false, `"\\u0000\u0041"`: false,
	} {
		for shape, value := range map[string]string{
			"a value": `{"a":` + text + `}`, "a name": `{` + text + `:1}`, "deep": `{"a":[1e999,{"b":{"c":[true,null,[` + text + `]]}}]}`,
			"a deep name": `{"a":[{"b":{` + text + `:{}}}]}`, "after numbers": `{"n":12345678901234567890123,"e":1e999,"z":` + text + `}`,
		} {
			r := bridge.InviteRequest{Email: email, MetadataPublic: json.RawMessage(value)}
			if shape == "deep" {
				r.MetadataPublic, r.MetadataAdmin = nil, json.RawMessage(value)
			}
			checkNUL(t, w, r, refuse)
		}
		checkNUL(t, w, bridge.InviteRequest{Email: email, Traits: json.RawMessage(`{"name":{"first":` + text + `}}`)}, refuse)
		checkNUL(t, w, bridge.InviteRequest{Email: email, MetadataPublic: json.RawMessage(text)}, refuse)
		checkNUL(t, w, bridge.InviteRequest{Email: email, MetadataPublic: json.RawMessage(`[` + text + `]`)}, refuse)
	}
}

// checkNUL invites, and ends what came of it.
func checkNUL(t *testing.T, w *bridgetest.World, r bridge.InviteRequest, refuse bool) {
	t.Helper()
	offer, err := w.Service.Invite(t.Context(), r)
	if refuse {
		refused(t, err, bridge.ErrTraitsInvalid)
		return
	}
	if err != nil {
		t.Errorf("%s%s%s: %v", r.Traits, r.MetadataPublic, r.MetadataAdmin, err)
		return
	}
	if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	w.Kratos.Remove(offer.Invitation.IdentityID)
}

// TestLocale: a locale is refused if its email would be in another language, and
// only where the bridge writes that email.
func TestLocale(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Speaks = func(locale string) (bool, []string) { return locale == "de-AT", []string{"de", "en"} }
	})
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, Locale: "fr"})
	refused(t, err, bridge.ErrBadRequest)
	if err == nil || !strings.Contains(err.Error(), "de, en") {
		t.Errorf("%v does not name the languages", err)
	}
	for _, r := range []bridge.InviteRequest{{Locale: "de-AT"}, {Locale: ""}, {Locale: "fr", Quiet: true}} {
		r.Email = "locale" + r.Locale + "@example.com"
		if _, err := w.Service.Invite(t.Context(), r); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
