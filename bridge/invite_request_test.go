package bridge_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestNUL: the character U+0000 is refused; an escaped backslash before "u0000"
// is not that character.
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

// checkNUL invites, checks the outcome and removes what was created.
func checkNUL(t *testing.T, w *bridgetest.Harness, r bridge.InviteRequest, refuse bool) {
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

// TestLocale: a locale is refused if the email would be in another language,
// unless the bridge does not send it.
func TestLocale(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.LocaleSupported = func(locale string) (bool, []string) { return locale == "de-AT", []string{"de", "en"} }
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

func TestEmptyMetadataIsNone(t *testing.T) {
	w := bridgetest.New(t)
	r := bridge.InviteRequest{Email: email, MetadataAdmin: json.RawMessage(`{}`)}
	first, second := invite(t, w, r), invite(t, w, r)
	if first.Invitation.ID != second.Invitation.ID {
		t.Error("two invitations")
	}
}

// TestParentOfEmailTrait: the error names the trait that must be an object.
func TestParentOfEmailTrait(t *testing.T) {
	w := bridgetest.NewAt(t, kratostest.FakeOptions{Schemas: kratostest.CompanySchemas()})
	for schema, place := range map[string]string{"nested": "contact", "referring": "person"} {
		for _, value := range []string{`"x"`, `[{}]`, `false`} {
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, SchemaID: schema, Traits: json.RawMessage(`{"` + place + `":` + value + `}`)})
			if e := refusal(t, err, bridge.ErrTraitsInvalid); e.Reason != "traits."+place+" must be an object." {
				t.Errorf("%s: %s", value, e.Reason)
			}
		}
	}
}

func TestInviteRefusesBadInput(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://app.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	w := bridgetest.New(t, func(c *bridge.Config) { c.AllowedReturnURLs = allowed })
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, c := range map[string]struct {
		r    bridge.InviteRequest
		want *bridge.Error
	}{
		"no invitee":                  {bridge.InviteRequest{}, bridge.ErrBadRequest},
		"address and identity":        {bridge.InviteRequest{Email: email, IdentityID: uuid.New()}, bridge.ErrBadRequest},
		"an unknown identity":         {bridge.InviteRequest{IdentityID: uuid.New()}, bridge.ErrIdentityConflict},
		"not a plain address":         {bridge.InviteRequest{Email: "Ada <ada@example.com>"}, bridge.ErrEmailInvalid},
		"traits are a list":           {bridge.InviteRequest{Email: email, Traits: raw(`[1]`)}, bridge.ErrTraitsInvalid},
		"another address in traits":   {bridge.InviteRequest{Email: email, Traits: raw(`{"email":"eve@example.com"}`)}, bridge.ErrTraitsInvalid},
		"email trait is a number":     {bridge.InviteRequest{Email: email, Traits: raw(`{"email":7}`)}, bridge.ErrTraitsInvalid},
		"a trait the schema forbids":  {bridge.InviteRequest{Email: email, Traits: raw(`{"name":7}`)}, bridge.ErrTraitsInvalid},
		"admin metadata is a string":  {bridge.InviteRequest{Email: email, MetadataAdmin: raw(`"x"`)}, bridge.ErrTraitsInvalid},
		"the bridge's own metadata":   {bridge.InviteRequest{Email: email, MetadataAdmin: raw(`{"invitation":{}}`)}, bridge.ErrTraitsInvalid},
		"return_to not allowed":       {bridge.InviteRequest{Email: email, ReturnTo: "https://app.example.com.evil/"}, bridge.ErrReturnToNotAllowed},
		"lifespan too long":           {bridge.InviteRequest{Email: email, ExpiresIn: 721 * time.Hour}, bridge.ErrExpiresInInvalid},
		"lifespan too short":          {bridge.InviteRequest{Email: email, ExpiresIn: time.Millisecond}, bridge.ErrExpiresInInvalid},
		"negative lifespan":           {bridge.InviteRequest{Email: email, ExpiresIn: -time.Hour}, bridge.ErrExpiresInInvalid},
		"a name that breaks a header": {bridge.InviteRequest{Email: email, InviterName: "Grace\r\nBcc: x"}, bridge.ErrBadRequest},
		"a name that is too long":     {bridge.InviteRequest{Email: email, InviterName: strings.Repeat("x", 257)}, bridge.ErrBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Service.Invite(t.Context(), c.r)
			refused(t, err, c.want)
		})
	}
	if w.Kratos.Len() != 0 {
		t.Errorf("%d identities were created", w.Kratos.Len())
	}
}
