package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// TestRealKratos runs invitations through the whole program with a real Kratos.
func TestRealKratos(t *testing.T) {
	kratos := kratostest.Shared(t)
	b := startBridge(t, kratos)
	var tokens []string
	invite := func(body object) object {
		issued := b.invite(body)
		tokens = append(tokens, token(issued))
		return issued
	}
	want := func(t *testing.T, a answer, status int, id string) {
		t.Helper()
		if a.status != status || a.errorID() != id {
			t.Errorf("got %d %s, want %d %s", a.status, a.text, status, id)
		}
	}

	t.Run("from the invitation to the login", func(t *testing.T) {
		const email = "whole@example.com"
		issued := invite(object{
			"email": email, "traits": object{"name": object{"first": "Ada", "last": "Lovelace"}},
			"metadata_public": json.RawMessage(`{"team":"blue","n":12345678901234567890}`), "metadata_admin": object{"plan": "pro"},
		})
		if state := identity(t, kratos, issued)["state"]; state != "inactive" {
			t.Errorf("the identity is %s", state)
		}
		if err := kratos.SignIn(t.Context(), email, password); !errors.Is(err, kratostest.ErrWrongPassword) {
			t.Errorf("login before: %v", err)
		}
		accepted := b.accept(token(issued), password)
		want(t, accepted, http.StatusOK, "")
		if err := kratos.SignIn(t.Context(), email, password); err != nil {
			t.Errorf("login after: %v", err)
		}
		after := identity(t, kratos, issued)
		admin := after["metadata_admin"].(object)
		delete(admin, "invitation") // the bridge's own metadata
		got := object{"state": after["state"], "traits": after["traits"], "metadata_admin": admin}
		if diff := cmp.Diff(object{
			"state": "active", "metadata_admin": object{"plan": "pro"},
			"traits": object{"email": email, "name": object{"first": "Ada", "last": "Lovelace"}},
		}, got); diff != "" {
			t.Error(diff)
		}
		raw, err := kratos.Read(t.Context(), uuid.MustParse(issued["identity_id"].(string)))
		if err != nil || !strings.Contains(string(raw), `"n":12345678901234567890`) {
			t.Errorf("the public metadata has changed: %v %s", err, raw)
		}
		want(t, b.accept(token(issued), password), http.StatusGone, "invitation_accepted")
		if a := b.asAdmin(http.MethodGet, "/"+issued["id"].(string), nil); a.body["state"] != "accepted" || a.body["accepted_at"] == nil {
			t.Errorf("the invitation is %s", a.text)
		}
		want(t, b.asAdmin(http.MethodPost, "/", object{"email": email}), http.StatusConflict, "identity_already_active")
	})
	t.Run("weak passwords leave the token valid", func(t *testing.T) {
		const email = "weak.password@example.com"
		issued := invite(object{"email": email})
		for weak, id := range map[string]string{
			"1234567": "4000032", "weak.password@example": "4000031", strings.Repeat("xK7#mQ2v9", 9): "4000033",
		} {
			a := b.accept(token(issued), weak)
			want(t, a, http.StatusBadRequest, "password_policy_violation")
			if !strings.Contains(a.text, `"id":`+id) {
				t.Errorf("%q: %s", weak, a.text)
			}
		}
		want(t, b.accept(token(issued), strings.Repeat("xK7#mQ2v9", 8)), http.StatusOK, "") // 72 bytes
		if err := kratos.SignIn(t.Context(), email, strings.Repeat("xK7#mQ2v9", 8)); err != nil {
			t.Error(err)
		}
	})
	t.Run("expired", func(t *testing.T) {
		issued := invite(object{"email": "expired@example.com", "expires_in": "1s"})
		expires, err := time.Parse(time.RFC3339Nano, issued["expires_at"].(string))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(expires)) // the program uses the real clock
		want(t, b.accept(token(issued), password), http.StatusGone, "invitation_expired")
		revived := b.asAdmin(http.MethodPost, "/"+issued["id"].(string)+"/resend", nil)
		want(t, revived, http.StatusOK, "")
		tokens = append(tokens, token(revived.body))
	})
	t.Run("revoked", func(t *testing.T) {
		issued := invite(object{"email": "revoked@example.com"})
		want(t, b.asAdmin(http.MethodPost, "/"+issued["id"].(string)+"/revoke", nil), http.StatusOK, "")
		want(t, b.accept(token(issued), password), http.StatusGone, "invitation_revoked")
		if state := identity(t, kratos, issued)["state"]; state != "inactive" {
			t.Errorf("the identity is %s", state)
		}
	})
	t.Run("an inactive identity is adopted", func(t *testing.T) {
		id, err := kratos.Create(t.Context(), `{"schema_id":"default","state":"inactive","traits":{"email":"Adopted@Example.com"}}`)
		if err != nil {
			t.Fatal(err)
		}
		issued := invite(object{"email": "ADOPTED@example.com"})
		if issued["identity_id"] != id.String() {
			t.Errorf("another identity was invited: %v", issued)
		}
		want(t, b.accept(token(issued), password), http.StatusOK, "")
		if err := kratos.SignIn(t.Context(), "adopted@example.com", password); err != nil {
			t.Error(err)
		}
	})
	t.Run("an international domain", func(t *testing.T) {
		issued := invite(object{"email": "u@münchen.de"})
		want(t, b.accept(token(issued), password), http.StatusOK, "")
		if err := kratos.SignIn(t.Context(), "u@xn--mnchen-3ya.de", password); err != nil {
			t.Error(err)
		}
	})
	t.Run("traits that the schema rejects", func(t *testing.T) {
		want(t, b.asAdmin(http.MethodPost, "/", object{"email": "bad.traits@example.com", "traits": object{"name": 7}}), http.StatusBadRequest, "traits_invalid")
		want(t, b.asAdmin(http.MethodPost, "/", object{"email": "bad.schema@example.com", "schema_id": "nope"}), http.StatusBadRequest, "traits_invalid")
	})
	t.Run("200 invitations of one address at once", func(t *testing.T) {
		const callers = 200
		ids, secrets := make([]string, callers), make([]string, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				email := []byte("many@example.com")
				for at := range 8 {
					if i>>at&1 == 1 && email[at] != '@' {
						email[at] -= 'a' - 'A'
					}
				}
				a, err := send(t.Context(), http.MethodPost, b.admin+base+"/", object{"email": string(email)}, "Authorization", "Bearer "+key)
				if err != nil || a.status != http.StatusCreated && a.status != http.StatusOK {
					t.Errorf("caller %d: %d %s, %v", i, a.status, a.text, err)
					return
				}
				ids[i], secrets[i] = a.body["id"].(string)+a.body["identity_id"].(string), token(a.body)
			})
		}
		wg.Wait()
		for i := range callers {
			if ids[i] != ids[0] {
				t.Fatal("two invitations, or two identities")
			}
		}
		tokens = append(tokens, secrets...)
	})
	t.Run("100 acceptances of one token at once", func(t *testing.T) {
		rounds, _ := strconv.Atoi(os.Getenv("ACCEPT_ROUNDS"))
		for round := range max(rounds, 1) {
			email := fmt.Sprintf("race%d@example.com", round)
			issued := invite(object{"email": email})
			winner := acceptAtOnce(t, b, token(issued), 100)
			if err := kratos.SignIn(t.Context(), email, winner); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
	})

	if code := b.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	assertNoneOf(t, b, append(tokens, password, key))
}

// acceptAtOnce sends concurrent acceptances, each with a different password, and
// returns the password of the one that succeeded.
func acceptAtOnce(t *testing.T, b *running, token string, callers int) string {
	t.Helper()
	var winners atomic.Int32
	var winner atomic.Value
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			mine := fmt.Sprintf("%s-%d", password, i)
			a, err := send(t.Context(), http.MethodPost, b.public+base+"/"+token, object{"password": mine})
			switch {
			case err == nil && a.status == http.StatusOK:
				winners.Add(1)
				winner.Store(mine)
			case err != nil || a.status != http.StatusConflict && a.status != http.StatusGone:
				t.Errorf("caller %d: %d %s, %v", i, a.status, a.text, err)
			}
		})
	}
	wg.Wait()
	if winners.Load() != 1 {
		t.Fatalf("%d winners", winners.Load())
	}
	return winner.Load().(string)
}

// identity reads the identity of an invitation from Kratos.
func identity(t *testing.T, kratos *kratostest.Server, issued object) (body object) {
	t.Helper()
	raw, err := kratos.Read(t.Context(), uuid.MustParse(issued["identity_id"].(string)))
	if err == nil {
		err = json.Unmarshal(raw, &body)
	}
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// assertNoneOf searches the store and the log for secrets.
func assertNoneOf(t *testing.T, b *running, secrets []string) {
	t.Helper()
	file, err := os.ReadFile(b.store)
	if err != nil || len(file) == 0 || len(secrets) < 200 {
		t.Fatalf("%d bytes, %d secrets, %v", len(file), len(secrets), err)
	}
	log := b.log.String()
	if !strings.Contains(log, `"route":"/api/v1/invite/{token}"`) {
		t.Error("the log has no route: the search would prove nothing")
	}
	for _, secret := range secrets {
		if strings.Contains(string(file), secret) || strings.Contains(log, secret) {
			t.Fatalf("a secret is in the store (%v) or in the log (%v)", strings.Contains(string(file), secret), strings.Contains(log, secret))
		}
	}
}
