package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

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
		if _, err := w.Service.Preview(t.Context(), tokens[i].Reveal()); err != nil {
			t.Fatalf("token %d: %v", i, err)
		}
	}
	page, _, err := w.Service.List(t.Context(), bridge.InvitationQuery{Limit: 10})
	if err != nil || len(page) != 1 || w.Kratos.Len() != 1 {
		t.Errorf("%d invitations, %d identities, %v", len(page), w.Kratos.Len(), err)
	}
	assertNoTokenIn(t, w.StorePath, tokens)
}

// spelling returns the address with upper-case characters as the bits of i say.
func spelling(i int) string {
	text := []byte(email)
	for at := range text {
		if i>>(at%10)&1 == 1 {
			text[at] = strings.ToUpper(string(text[at]))[0]
		}
	}
	return string(text)
}

// assertNoTokenIn searches the file for every token, as text and as bytes.
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
				t.Fatal("the store contains a token")
			}
		}
	}
	if d := tokens[0].Digest(); !strings.Contains(file, string(d[:])) {
		t.Error("the store does not contain a digest either, so the search proves nothing")
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

// TestTwoInvitesAtTheSameIdentity: concurrent invites by address and by id
// create one invitation.
func TestTwoInvitesAtTheSameIdentity(t *testing.T) {
	w := bridgetest.New(t)
	id := w.Kratos.Add(email, false)
	errs := make(chan error)
	for _, r := range []bridge.InviteRequest{{Email: email}, {IdentityID: id}, {Email: email}, {IdentityID: id}} {
		go func() {
			_, err := w.Service.Invite(context.WithoutCancel(t.Context()), r)
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil && !errors.Is(err, bridge.ErrIdentityConflict) {
			t.Error(err)
		}
	}
	list, _, err := w.Service.List(t.Context(), bridge.InvitationQuery{Limit: 9})
	if err != nil || len(list) != 1 {
		t.Errorf("%d invitations, %v", len(list), err)
	}
}
