package bridge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

const (
	email    = "ada@example.com"
	password = "correct-Horse-7-battery"
)

func invite(t *testing.T, w *bridgetest.World, r bridge.InviteRequest) bridge.Offer {
	t.Helper()
	offer, err := w.Service.Invite(t.Context(), r)
	if err != nil {
		t.Fatalf("invite %s: %v", r.Email, err)
	}
	return offer
}

// refused fails the test unless err has the id of want.
func refused(t *testing.T, err error, want *bridge.Error) {
	t.Helper()
	_ = refusal(t, err, want)
}

// refusal is refused for those who look closer.
func refusal(t *testing.T, err error, want *bridge.Error) *bridge.Error {
	t.Helper()
	var e *bridge.Error
	if !errors.As(err, &e) || e.ID != want.ID {
		t.Fatalf("got %v, want %s", err, want.ID)
	}
	return e
}

func TestInvite(t *testing.T) {
	t.Run("a new address", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{
			Email: "Ada@EXAMPLE.com", Traits: json.RawMessage(`{"name":{"first":"Ada"}}`),
			MetadataPublic: json.RawMessage(`{"team":7}`), MetadataAdmin: json.RawMessage(`{"plan":"pro"}`),
			InviterID: "u1", InviterName: "Grace", Locale: "de",
		})
		inv := offer.Invitation
		if !offer.Created || inv.State != bridge.StatePending || inv.Email != email || inv.SchemaID != kratostest.DefaultSchema {
			t.Errorf("got %+v", inv)
		}
		if got := inv.ExpiresAt.Sub(inv.CreatedAt); got != 24*time.Hour {
			t.Errorf("it lives for %s", got)
		}
		if inv.ID.Version() != 7 || offer.Link != "https://join.example.com/invite/"+offer.Token.Reveal() {
			t.Errorf("id of version %d, link %s", inv.ID.Version(), offer.Link)
		}
		looked, err := w.Service.Look(t.Context(), offer.Token.Reveal())
		if err != nil || looked.ID != inv.ID {
			t.Errorf("look: %v, %v", looked.ID, err)
		}
		if w.Kratos.Active(inv.IdentityID) {
			t.Error("the identity is active")
		}
	})
	t.Run("an address with a pending invitation", func(t *testing.T) {
		w := bridgetest.New(t)
		first := invite(t, w, bridge.InviteRequest{Email: email})
		second := invite(t, w, bridge.InviteRequest{Email: "ADA@example.com", ExpiresIn: time.Hour})
		if second.Created || second.Invitation.ID != first.Invitation.ID || second.Token == first.Token {
			t.Errorf("got %+v", second.Invitation)
		}
		if !second.Invitation.ExpiresAt.Equal(first.Invitation.ExpiresAt) {
			t.Error("the expiry moved")
		}
		for _, token := range []bridge.Token{first.Token, second.Token} {
			if _, err := w.Service.Look(t.Context(), token.Reveal()); err != nil {
				t.Errorf("one of the tokens: %v", err)
			}
		}
	})
	t.Run("the invitee is told once in a cooldown", func(t *testing.T) {
		w := bridgetest.New(t)
		for _, step := range []struct {
			wait  time.Duration
			quiet bool
			told  int
		}{{0, false, 1}, {59 * time.Second, false, 1}, {time.Second, true, 1}, {0, false, 2}, {59 * time.Second, false, 2}} {
			w.Clock.Advance(step.wait)
			invite(t, w, bridge.InviteRequest{Email: email, Quiet: step.quiet})
			if got := len(w.Told(t, bridge.EndpointCourier)); got != step.told {
				t.Errorf("%+v: told %d times", step, got)
			}
		}
	})
	t.Run("an active identity", func(t *testing.T) {
		w := bridgetest.New(t)
		w.Kratos.Add(email, true)
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
		refused(t, err, bridge.ErrIdentityActive)
	})
	t.Run("an inactive identity is adopted", func(t *testing.T) {
		w := bridgetest.New(t)
		id := w.Kratos.Add(email, false)
		offer := invite(t, w, bridge.InviteRequest{Email: "ADA@Example.com"})
		if !offer.Created || offer.Invitation.IdentityID != id {
			t.Errorf("got %+v", offer.Invitation)
		}
	})
	t.Run("an inactive identity, by its id", func(t *testing.T) {
		w := bridgetest.New(t)
		id := w.Kratos.Add("Ada@example.com", false)
		offer := invite(t, w, bridge.InviteRequest{IdentityID: id})
		if offer.Invitation.Email != email || offer.Invitation.IdentityID != id {
			t.Errorf("got %+v", offer.Invitation)
		}
	})
	t.Run("an identity with other data", func(t *testing.T) {
		w := bridgetest.New(t)
		id := w.Kratos.Add(email, false)
		for name, r := range map[string]bridge.InviteRequest{
			"traits":          {Traits: json.RawMessage(`{"name":{"first":"Eve"}}`)},
			"metadata_public": {MetadataPublic: json.RawMessage(`{"a":1}`)},
			"metadata_admin":  {MetadataAdmin: json.RawMessage(`{"a":1}`)},
			"schema_id":       {SchemaID: kratostest.CustomerSchema, IdentityID: id},
		} {
			if r.IdentityID == uuid.Nil {
				r.Email = email
			}
			_, err := w.Service.Invite(t.Context(), r)
			if e := refusal(t, err, bridge.ErrIdentityConflict); !strings.Contains(e.Reason, name) {
				t.Errorf("%s: %s", name, e.Reason)
			}
		}
		invite(t, w, bridge.InviteRequest{Email: email})
	})
	t.Run("the same request again, after its answer was lost", func(t *testing.T) {
		w := bridgetest.New(t)
		r := bridge.InviteRequest{
			Email: email, Traits: json.RawMessage(`{"email":"ADA@example.com","name":{"first":"Ada"}}`),
			MetadataPublic: json.RawMessage(`{"n":12345678901234567890}`), MetadataAdmin: json.RawMessage(`{"plan":"pro"}`),
		}
		first, second := invite(t, w, r), invite(t, w, r)
		if first.Invitation.ID != second.Invitation.ID {
			t.Error("two invitations")
		}
		r.MetadataPublic = json.RawMessage(`{"n":12345678901234567891}`)
		_, err := w.Service.Invite(t.Context(), r)
		refused(t, err, bridge.ErrIdentityConflict)
	})
	t.Run("an address whose invitation has ended", func(t *testing.T) {
		for name, end := range map[string]func(*bridgetest.World, bridge.Invitation) error{
			"revoked": func(w *bridgetest.World, i bridge.Invitation) error {
				_, err := w.Service.Revoke(t.Context(), i.ID)
				return err
			},
			"expired, not swept": func(w *bridgetest.World, _ bridge.Invitation) error { w.Clock.Advance(24 * time.Hour); return nil },
			"expired and swept": func(w *bridgetest.World, _ bridge.Invitation) error {
				w.Clock.Advance(24 * time.Hour)
				_, err := w.Service.Sweep(t.Context())
				return err
			},
			"identity deleted": func(w *bridgetest.World, i bridge.Invitation) error { w.Kratos.Remove(i.IdentityID); return nil },
		} {
			w := bridgetest.New(t)
			first := invite(t, w, bridge.InviteRequest{Email: email})
			if err := end(w, first.Invitation); err != nil {
				t.Fatal(err)
			}
			second := invite(t, w, bridge.InviteRequest{Email: email})
			if !second.Created || second.Invitation.ID == first.Invitation.ID {
				t.Errorf("%s: no new invitation", name)
			}
			if _, err := w.Service.Look(t.Context(), first.Token.Reveal()); err == nil {
				t.Errorf("%s: the old token works", name)
			}
			if w.Kratos.Len() != 1 {
				t.Errorf("%s: %d identities", name, w.Kratos.Len())
			}
		}
	})
	t.Run("the identity became active by another road", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Kratos.ActivateByHand(offer.Invitation.IdentityID, "theirs")
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
		refused(t, err, bridge.ErrIdentityActive)
		if inv, _ := w.Service.Get(t.Context(), offer.Invitation.ID); inv.State != bridge.StateRevoked {
			t.Errorf("the invitation is %s", inv.State)
		}
	})
}

func TestInviteRefusesBadInput(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://app.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	w := bridgetest.New(t, func(c *bridge.Config) { c.ReturnURLs = allowed })
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, c := range map[string]struct {
		r    bridge.InviteRequest
		want *bridge.Error
	}{
		"nobody":                      {bridge.InviteRequest{}, bridge.ErrBadRequest},
		"two ways at once":            {bridge.InviteRequest{Email: email, IdentityID: uuid.New()}, bridge.ErrBadRequest},
		"an unknown identity":         {bridge.InviteRequest{IdentityID: uuid.New()}, bridge.ErrIdentityConflict},
		"no address":                  {bridge.InviteRequest{Email: "Ada <ada@example.com>"}, bridge.ErrEmailInvalid},
		"traits are a list":           {bridge.InviteRequest{Email: email, Traits: raw(`[1]`)}, bridge.ErrTraitsInvalid},
		"another address in traits":   {bridge.InviteRequest{Email: email, Traits: raw(`{"email":"eve@example.com"}`)}, bridge.ErrTraitsInvalid},
		"no text in the e-mail trait": {bridge.InviteRequest{Email: email, Traits: raw(`{"email":7}`)}, bridge.ErrTraitsInvalid},
		"a trait the schema forbids":  {bridge.InviteRequest{Email: email, Traits: raw(`{"name":7}`)}, bridge.ErrTraitsInvalid},
		"admin metadata is a text":    {bridge.InviteRequest{Email: email, MetadataAdmin: raw(`"x"`)}, bridge.ErrTraitsInvalid},
		"the bridge's own metadata":   {bridge.InviteRequest{Email: email, MetadataAdmin: raw(`{"invitation":{}}`)}, bridge.ErrTraitsInvalid},
		"a place not allowed":         {bridge.InviteRequest{Email: email, ReturnTo: "https://app.example.com.evil/"}, bridge.ErrReturnTo},
		"too long a life":             {bridge.InviteRequest{Email: email, ExpiresIn: 721 * time.Hour}, bridge.ErrExpiresIn},
		"too short a life":            {bridge.InviteRequest{Email: email, ExpiresIn: time.Millisecond}, bridge.ErrExpiresIn},
		"a negative life":             {bridge.InviteRequest{Email: email, ExpiresIn: -time.Hour}, bridge.ErrExpiresIn},
		"a name that breaks a header": {bridge.InviteRequest{Email: email, InviterName: "Grace\r\nBcc: x"}, bridge.ErrBadRequest},
		"a name without end":          {bridge.InviteRequest{Email: email, InviterName: strings.Repeat("x", 257)}, bridge.ErrBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Service.Invite(t.Context(), c.r)
			refused(t, err, c.want)
		})
	}
	if w.Kratos.Len() != 0 {
		t.Errorf("%d identities were made", w.Kratos.Len())
	}
}

func TestInviteUndoesWhatItCannotKeep(t *testing.T) {
	w := bridgetest.New(t)
	w.Store.FailUpdates(func(int) error { return errors.New("no space left on device") })
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	refused(t, err, bridge.ErrStoreAway)
	if w.Kratos.Len() != 0 {
		t.Error("the identity was left behind")
	}
	adopted := w.Kratos.Add("grace@example.com", false)
	_, err = w.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: adopted})
	refused(t, err, bridge.ErrStoreAway)
	if w.Kratos.Len() != 1 {
		t.Error("an identity that somebody else made was deleted")
	}
	w.Store.FailUpdates(nil)
	invite(t, w, bridge.InviteRequest{Email: email})
}

func TestInviteOneAddressAtOnce(t *testing.T) {
	w := bridgetest.New(t)
	const callers = 1000
	var wg sync.WaitGroup
	ids := make([]uuid.UUID, callers)
	tokens := make([]bridge.Token, callers)
	for i := range callers {
		wg.Go(func() {
			offer, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: spelling(i)})
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
			ids[i], tokens[i] = offer.Invitation.ID, offer.Token
		})
	}
	wg.Wait()
	for i := range callers {
		if ids[i] != ids[0] {
			t.Fatal("two invitations")
		}
		if _, err := w.Service.Look(t.Context(), tokens[i].Reveal()); err != nil {
			t.Fatalf("token %d: %v", i, err)
		}
	}
	page, _, err := w.Service.List(t.Context(), bridge.Query{Limit: 10})
	if err != nil || len(page) != 1 || w.Kratos.Len() != 1 {
		t.Errorf("%d invitations, %d identities, %v", len(page), w.Kratos.Len(), err)
	}
	assertNoTokenIn(t, w.StorePath, tokens)
}

// spelling gives the address with its letters in upper case as the bits of i.
func spelling(i int) string {
	text := []byte(email)
	for at := range text {
		if i>>(at%10)&1 == 1 {
			text[at] = strings.ToUpper(string(text[at]))[0]
		}
	}
	return string(text)
}

// assertNoTokenIn greps the file for every token, as text and as bytes.
func assertNoTokenIn(t *testing.T, path string, tokens []bridge.Token) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil || len(content) == 0 {
		t.Fatalf("%d bytes, %v", len(content), err)
	}
	file := string(content)
	for _, token := range tokens {
		for _, form := range forms(t, token) {
			if strings.Contains(file, form) {
				t.Fatal("the store holds a token")
			}
		}
	}
	if d := tokens[0].Digest(); !strings.Contains(file, string(d[:])) {
		t.Error("the store does not hold a digest either: the search proves nothing")
	}
}

func forms(t *testing.T, token bridge.Token) []string {
	t.Helper()
	var raw uuid.UUID
	if n, err := decodeBase64(raw[:], token.Reveal()); err != nil || n != len(raw) {
		t.Fatal(err)
	}
	return []string{token.Reveal(), raw.String(), string(raw[:]), fmt.Sprintf("%x", raw[:])}
}
