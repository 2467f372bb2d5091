package kratostest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"invitebridge/kratos/kratostest"
)

func TestServer_secondFactor(t *testing.T) {
	s := kratostest.StartEveryMethod(t, kratostest.Options{})
	ctx := t.Context()
	a := newAccount(t, s)
	for name, step := range map[string]func(token string) error{
		"TOTP":        func(token string) error { return s.StepUpTOTP(ctx, token, a.totp()) },
		"backup code": func(token string) error { return s.StepUpLookup(ctx, token, a.codes[0]) },
	} {
		token, err := s.Login(ctx, a.email, password)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Whoami(ctx, token); !errors.Is(err, kratostest.ErrSecondFactor) {
			t.Errorf("without %s: %v", name, err)
		}
		if err := step(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if session, err := s.Whoami(ctx, token); err != nil || session.AAL != "aal2" {
			t.Errorf("with %s: %+v, %v", name, session, err)
		}
	}
	token, err := s.Login(ctx, a.email, password)
	if err != nil {
		t.Fatal(err)
	}
	for code, step := range map[string]func(code string) error{
		"unknown":  func(code string) error { return s.StepUpTOTP(ctx, token, code) },
		a.codes[0]: func(code string) error { return s.StepUpLookup(ctx, token, code) }, // used before
	} {
		if err := step(code); !errors.Is(err, kratostest.ErrWrongCode) {
			t.Errorf("%q: %v", code, err)
		}
	}
}

// An emailed code is valid once, an inactive account can verify its address,
// and a verification does not sign in.
func TestServer_mailedCodes(t *testing.T) {
	s := kratostest.StartEveryMethod(t, kratostest.Options{})
	ctx := t.Context()
	email := freshEmail()
	id, err := s.Create(ctx, member("inactive", email))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := s.MailVerification(ctx, email)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := proof.Use(ctx); token != "" || err != nil {
		t.Errorf("verification: %q, %v", token, err)
	}
	text, err := s.Read(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Addresses []struct{ Verified bool } `json:"verifiable_addresses"`
	}
	if err := json.Unmarshal(text, &shown); err != nil || len(shown.Addresses) != 1 || !shown.Addresses[0].Verified {
		t.Errorf("%v; %s", err, text)
	}
	if err := s.SetState(ctx, id, "active"); err != nil {
		t.Fatal(err)
	}
	for kind, mail := range map[string]func() (*kratostest.Mailed, error){
		"verification": func() (*kratostest.Mailed, error) { return s.MailVerification(ctx, email) },
		"login":        func() (*kratostest.Mailed, error) { return s.MailLogin(ctx, email) },
		"recovery":     func() (*kratostest.Mailed, error) { return s.MailRecovery(ctx, email) },
	} {
		m, err := mail()
		if err != nil {
			t.Fatal(kind, err)
		}
		right := m.Code
		m.Code = fmt.Sprintf("%06d", 1)
		if _, err := m.Use(ctx); right != m.Code && !errors.Is(err, kratostest.ErrWrongCode) {
			t.Errorf("%s: a wrong code: %v", kind, err)
		}
		m.Code = right
		if _, err := m.Use(ctx); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := m.Use(ctx); kind != "verification" && !errors.Is(err, kratostest.ErrWrongCode) {
			t.Errorf("%s: second use: %v", kind, err)
		}
	}
}
