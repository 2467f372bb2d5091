package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// TestErrorsContainNoSecret: neither error responses nor the log contain
// passwords, tokens or API keys.
func TestErrorsContainNoSecret(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	const canary = "CANARY-5up3r"
	for _, body := range []string{
		`{"password":"` + canary + `"`, `{"password":"` + canary + `"} ` + canary, `{"password":{"` + canary + `":1}}`,
		`{"password":"` + canary + "\xff" + `"}`, `{"password":"short","password":"` + canary + `"}`, `{"password":"` + canary + `" ` + canary + `}`,
	} {
		if got := a.asInvitee(http.MethodPost, "/"+o.Token, body); strings.Contains(string(got.body), canary) && !strings.Contains(body, `{"`+canary) {
			t.Errorf("%s", got.body)
		}
	}
	a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": email}) // its response quotes the part that resembles the address
	failed := []answer{
		a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": "short"}),
		a.asAdmin(http.MethodPost, "/"+o.Token+"/revoke", nil),
		do(t, request(t, http.MethodGet, a.admin+base, nil, "Authorization", "Bearer "+canary)),
		do(t, request(t, http.MethodGet, a.public+"/"+o.Token+"/"+canary, nil)),
	}
	a.asInvitee(http.MethodGet, "/"+o.Token, nil)
	a.asInvitee(http.MethodPost, "/"+o.Token+"?x="+canary, object{"password": canary + canary})
	failed = append(failed, a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": canary + canary}),
		a.asInvitee(http.MethodGet, "/"+o.Token, nil))
	for i, got := range failed {
		if got.status < 400 || !strings.Contains(string(got.body), `"error"`) {
			t.Errorf("response %d is not an error: %d %s", i, got.status, got.body)
		}
		for _, secret := range []string{canary, o.Token, key} {
			if strings.Contains(string(got.body), secret) {
				t.Errorf("response %d contains %q: %s", i, secret, got.body)
			}
		}
	}
	log := a.log.String()
	if lines := strings.Count(log, "\n"); lines < 10 {
		t.Fatalf("only %d lines were logged, too few for this test", lines)
	}
	for _, secret := range []string{canary, o.Token, key} {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q:\n%s", secret, log)
		}
	}
}

// TestInternalErrorsHideTheCause: the response to a panic or a store failure does
// not contain its cause; the log has the type of a panic and the error of the
// store.
func TestInternalErrorsHideTheCause(t *testing.T) {
	a := start(t)
	a.Store.FailUpdates(func(int) error { panic(fmt.Sprintf("secret %s", password)) })
	got := a.asAdmin(http.MethodPost, "/", object{"email": email})
	if got.status != http.StatusInternalServerError || got.errorID() != "internal" || strings.Contains(string(got.body), "secret") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if log := a.log.String(); strings.Contains(log, password) || !strings.Contains(log, "panic of type string") {
		t.Errorf("%s", log)
	}
	a.Store.FailUpdates(func(int) error { return errors.New("no space left on device") })
	got = a.asAdmin(http.MethodPost, "/", object{"email": email})
	if got.status != http.StatusServiceUnavailable || got.errorID() != "store_unavailable" || got.header.Get("Retry-After") == "" || strings.Contains(string(got.body), "space") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if !strings.Contains(a.log.String(), "no space left on device") {
		t.Error("the cause is not in the log")
	}
}

// TestEveryKindHasAStatusCode: every error kind of the domain maps to a status.
func TestEveryKindHasAStatusCode(t *testing.T) {
	codes := httpapi.StatusCodes()
	for _, kind := range bridge.Kinds() {
		if codes[kind] < 400 {
			t.Errorf("kind %d has code %d", kind, codes[kind])
		}
	}
	if len(codes) != len(bridge.Kinds()) {
		t.Errorf("%d codes for %d kinds", len(codes), len(bridge.Kinds()))
	}
}

// TestTokenLookupTiming: unknown, malformed, expired and revoked tokens can be
// distinguished by the response, but not by the response time.
func TestTokenLookupTiming(t *testing.T) {
	a := start(t)
	expired := a.invite(object{"email": "a@example.com", "expires_in": "1s"})
	revoked := a.invite(object{"email": "b@example.com"})
	a.asAdmin(http.MethodPost, "/"+revoked.ID+"/revoke", nil)
	a.Clock.Advance(time.Second)
	tokens := map[string]string{
		"unknown": bridge.MintToken().Reveal(), "malformed": "not-a-token", "expired": expired.Token, "revoked": revoked.Token,
	}
	const rounds, most, bound = 300, 10_000, 500 * time.Microsecond
	fastest := map[string]time.Duration{}
	apart := func() time.Duration {
		low, high := time.Hour, time.Duration(0)
		for _, d := range fastest {
			low, high = min(low, d), max(high, d)
		}
		return high - low
	}
	// Interleaved, so that other load affects all alike. A busy machine needs more
	// rounds until each was fast once.
	for n := 0; n < rounds || n < most && apart() > bound; n++ {
		for name, token := range tokens {
			begin := time.Now()
			a.asInvitee(http.MethodGet, "/"+token, nil)
			if took := time.Since(begin); fastest[name] == 0 || took < fastest[name] {
				fastest[name] = took
			}
		}
	}
	t.Log(fastest)
	if apart() > bound {
		t.Errorf("the fastest responses differ by %s: %v", apart(), fastest)
	}
	unknown, malformed := a.asInvitee(http.MethodGet, "/"+tokens["unknown"], nil), a.asInvitee(http.MethodGet, "/"+tokens["malformed"], nil)
	if unknown.status != http.StatusNotFound || malformed.status != unknown.status || malformed.errorID() != unknown.errorID() {
		t.Errorf("%s against %s", unknown.body, malformed.body)
	}
}
