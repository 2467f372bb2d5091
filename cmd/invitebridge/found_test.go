package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// smsSchema has a phone number for all that Kratos has for one.
const smsSchema = `{"type":"object","properties":{"traits":{"type":"object","properties":{
	"phone":{"type":"string","format":"tel","ory.sh/kratos":{"credentials":{"password":{"identifier":true},"code":{"identifier":true,"via":"sms"}},"verification":{"via":"sms"}}},
	"email":{"type":"string","format":"email","ory.sh/kratos":{"verification":{"via":"email"},"recovery":{"via":"email"}}}}}}}`

// TestFound: who exists in Kratos is found, and judged, by more than the address;
// through the whole program, and up to the login.
func TestFound(t *testing.T) {
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
		t.Run("by what one signs in with, "+schema, func(t *testing.T) {
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
				t.Errorf("it shows somebody else: %s", clash.text)
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
		offer := want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusCreated, "").body
		if offer["identity_id"] != id.String() || offer["identity_origin"] != "adopted" {
			t.Errorf("invited %v", offer)
		}
		want(t, b.accept(token(offer), password), http.StatusOK, "")
		want(t, b.asAdmin(http.MethodPost, "/", body), http.StatusConflict, "identity_already_active")
	})
	t.Run("dots anywhere before the @", func(t *testing.T) {
		for _, email := range []string{"a..b@carrier.example", "a.@carrier.example"} {
			want(t, b.asAdmin(http.MethodPost, "/", object{"email": email}), http.StatusBadRequest, "traits_invalid", "traits.email")
			offer := b.invite(object{"email": " " + email, "schema_id": "carrier"})
			want(t, b.accept(token(offer), password), http.StatusOK, "")
			if err := kratos.SignIn(t.Context(), email, password); err != nil {
				t.Errorf("%s: %v", email, err)
			}
		}
	})
	t.Run("at an address that was mended", func(t *testing.T) {
		offer := b.invite(object{"email": "typo@example.com", "schema_id": "named", "traits": object{"username": "lee"}})
		if err := kratos.Replace(t.Context(), uuid.MustParse(offer["identity_id"].(string)), `{"schema_id":"named","state":"inactive","traits":{"username":"lee","email":"lee@example.com"}}`); err != nil {
			t.Fatal(err)
		}
		want(t, b.asAdmin(http.MethodPost, fmt.Sprintf("/%s/resend", offer["id"]), nil), http.StatusConflict, "identity_in_use", "The identity has another e-mail address by now. Invite that one.")
		again := b.invite(object{"email": "lee@example.com", "schema_id": "named", "traits": object{"username": "lee"}})
		if again["identity_id"] != offer["identity_id"] {
			t.Errorf("invited %v", again)
		}
		want(t, b.accept(token(again), password), http.StatusOK, "")
	})
}
