package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// smsSchema has a phone number that Kratos uses for every purpose: password, code
// and verification.
const smsSchema = `{"type":"object","properties":{"traits":{"type":"object","properties":{
	"phone":{"type":"string","format":"tel","ory.sh/kratos":{"credentials":{"password":{"identifier":true},"code":{"identifier":true,"via":"sms"}},"verification":{"via":"sms"}}},
	"email":{"type":"string","format":"email","ory.sh/kratos":{"verification":{"via":"email"},"recovery":{"via":"email"}}}}}}}`

// TestExistingIdentities: an existing identity is found by any of its identifiers,
// not only by email address. Each case goes through the whole program, up to the
// login.
func TestExistingIdentities(t *testing.T) {
	kratostest.SkipIfShort(t)
	schemas := kratostest.CompanySchemas()
	schemas["sms"] = smsSchema
	kratos, err := kratostest.Start(t.Context(), kratostest.Options{Schemas: schemas, BcryptCost: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kratos.Stop() })
	b := startBridge(t, kratos)
	want := func(t *testing.T, a answer, status int, id string, words ...string) answer {
		t.Helper()
		if a.status != status || a.errorID() != id {
			t.Errorf("got %d %s, want %d %s", a.status, a.text, status, id)
		}
		for _, word := range words {
			if !strings.Contains(a.text, word) {
				t.Errorf("%s does not mention %s", a.text, word)
			}
		}
		return a
	}
	for schema, with := range map[string][2]string{"named": {"username", "Dee"}, "phone": {"phone", "+49 1512 3456789"}, "sms": {"phone", "+49 1512 3456790"}} {
		t.Run("by identifier, "+schema, func(t *testing.T) {
			body := object{"email": "dee@" + schema + ".example", "schema_id": schema, "traits": object{with[0]: with[1]}}
			first := b.invite(body)
			want(t, b.asAdmin(http.MethodPost, "/"+first["id"].(string)+"/revoke", nil), http.StatusOK, "")
			second := want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusCreated, "").body
			if second["identity_id"] != first["identity_id"] || second["id"] == first["id"] {
				t.Fatalf("invited %v, and then %v", first, second)
			}
			want(t, b.accept(token(second), password), http.StatusOK, "")
			if err := kratos.SignIn(t.Context(), with[1], password); err != nil {
				t.Error(err)
			}
			want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusConflict, "identity_already_active")
			delete(body, "traits")
			want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusConflict, "identity_already_active")
			if err := kratos.Deactivate(t.Context(), uuid.MustParse(first["identity_id"].(string))); err != nil {
				t.Fatal(err)
			}
			want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusConflict, "identity_deactivated")
			body["email"], body["traits"] = "kim@"+schema+".example", object{with[0]: with[1]}
			clash := want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusConflict, "identity_conflict", "traits."+with[0]+" belongs to another identity", "identity_id")
			if strings.Contains(clash.text, "dee@") || strings.Contains(clash.text, first["identity_id"].(string)) {
				t.Errorf("it exposes another identity: %s", clash.text)
			}
		})
	}
	t.Run("without required traits", func(t *testing.T) {
		body := object{"email": "ida@example.com", "schema_id": "staff"}
		want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusBadRequest, "traits_invalid", "department")
		id, err := kratos.Create(t.Context(), `{"schema_id":"staff","state":"inactive","traits":{"email":"ida@example.com","department":"7"}}`)
		if err != nil {
			t.Fatal(err)
		}
		issued := want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusCreated, "").body
		if issued["identity_id"] != id.String() || issued["identity_origin"] != "adopted" {
			t.Errorf("invited %v", issued)
		}
		want(t, b.accept(token(issued), password), http.StatusOK, "")
		want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusConflict, "identity_already_active")
	})
	t.Run("dots anywhere before the @", func(t *testing.T) {
		for _, email := range []string{"a..b@carrier.example", "a.@carrier.example"} {
			want(t, b.asAdmin(http.MethodPost, "/", object{"email": email}), http.StatusBadRequest, "traits_invalid", "traits.email")
			issued := b.invite(object{"email": " " + email, "schema_id": "carrier"})
			want(t, b.accept(token(issued), password), http.StatusOK, "")
			if err := kratos.SignIn(t.Context(), email, password); err != nil {
				t.Errorf("%s: %v", email, err)
			}
		}
	})
	t.Run("at a corrected address", func(t *testing.T) {
		issued := b.invite(object{"email": "typo@example.com", "schema_id": "named", "traits": object{"username": "lee"}})
		if err := kratos.Replace(t.Context(), uuid.MustParse(issued["identity_id"].(string)), `{"schema_id":"named","state":"inactive","traits":{"username":"lee","email":"lee@example.com"}}`); err != nil {
			t.Fatal(err)
		}
		want(t, b.asAdmin(http.MethodPost, fmt.Sprintf("/%s/resend", issued["id"]), nil), http.StatusConflict, "identity_in_use", "The identity now has another email address. Invite that address instead.")
		again := b.invite(object{"email": "lee@example.com", "schema_id": "named", "traits": object{"username": "lee"}})
		if again["identity_id"] != issued["identity_id"] {
			t.Errorf("invited %v", again)
		}
		want(t, b.accept(token(again), password), http.StatusOK, "")
	})
}
