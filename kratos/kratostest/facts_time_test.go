package kratostest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"invitebridge/kratos/kratostest"
)

// state_changed_at of a new identity is compared between the create and GET,
// and with created_at.
func factFresh(t *testing.T, p environment, s *kratostest.Server) {
	made := must[kratostest.Shown](t)(s.CreateShown(t.Context(), member("inactive", freshEmail())))
	shown := must[kratostest.Shown](t)(s.Show(t.Context(), made.ID))
	t.Logf("state_changed_at: create %s, GET %s; created_at: create %s, GET %s",
		made.StateChangedAt, shown.StateChangedAt, made.CreatedAt, shown.CreatedAt)

	created := instant(t, shown.CreatedAt)
	if !created.Equal(instant(t, made.CreatedAt)) || time.Since(created).Abs() > time.Minute {
		t.Error("created_at is not the instant of the creation")
	}
	if before := created.Sub(instant(t, made.StateChangedAt)); before < 0 || before > time.Minute {
		t.Errorf("the answer to the create has a state_changed_at %s before created_at", before)
	}

	// The wall clock is the same even if the zone is lost; PostgreSQL truncates
	// to microseconds.
	cut := wallClock(t, made.StateChangedAt).Sub(wallClock(t, shown.StateChangedAt))
	if cut < 0 || cut >= time.Microsecond || !p.postgres && cut != 0 {
		t.Errorf("GET differs from the create by %s", cut)
	}
	shift := instant(t, shown.StateChangedAt).Sub(instant(t, made.StateChangedAt)).Round(time.Second)
	if lost := p.offset(t, created); shift != 0 && (!p.postgres || shift != lost) {
		t.Errorf("GET is shifted by %s; the zone offset is %s", shift, lost)
	}
}

// Only a change of the state moves it. The response to a write agrees with the
// next GET, as an instant or as a wall clock time.
func factMoves(t *testing.T, _ environment, s *kratostest.Server) {
	ctx := t.Context()
	id, email := newMember(t, s)
	patch := func(path, value string) func() (kratostest.Shown, error) {
		return func() (kratostest.Shown, error) {
			return s.Patch(ctx, id, fmt.Sprintf(`[{"op":"add","path":%q,"value":%s}]`, path, value))
		}
	}
	silent := func(do func() error) func() (kratostest.Shown, error) {
		return func() (kratostest.Shown, error) { return kratostest.Shown{}, do() }
	}
	put := func(body string) func() (kratostest.Shown, error) {
		return silent(func() error { return s.Replace(ctx, id, body) })
	}
	last := must[kratostest.Shown](t)(s.Show(ctx, id))
	for _, step := range []struct {
		name  string
		do    func() (kratostest.Shown, error)
		moves bool
	}{
		{"PUT of a password, still inactive", put(memberWith("inactive", email, strings.Repeat("x_-4", 16))), false},
		{"PUT of other traits", put(member("inactive", "other-"+email)), false},
		{"PATCH of metadata_admin", patch("/metadata_admin", `{"a":1}`), false},
		{"PATCH of metadata_public", patch("/metadata_public", `{"a":1}`), false},
		{"PATCH of a trait", patch("/traits/username", `"somebody"`), false},
		{"PATCH of an address", patch("/verifiable_addresses/0/verified", `true`), false},
		{"PATCH of the same state", patch("/state", `"inactive"`), false},
		{"PATCH to active", patch("/state", `"active"`), true},
		{"PATCH of the same active state", patch("/state", `"active"`), false},
		{"PATCH to inactive", patch("/state", `"inactive"`), true},
		{"PUT to active", put(memberWith("active", email, password)), true},
		{"a session", silent(func() error { _, err := s.Login(ctx, email, password); return err }), false},
		{"PUT to inactive", put(member("inactive", email)), true},
		{"DELETE of sessions", silent(func() error { return s.DeleteSessions(ctx, id) }), false},
		{"DELETE of a credential", silent(func() error { return s.DeleteCredential(ctx, id, "webauthn", "") }), false},
		{"verification", silent(func() error {
			m, err := s.MailVerification(ctx, email)
			if err == nil {
				_, err = m.Use(ctx)
			}
			return err
		}), false},
	} {
		answer, err := step.do()
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		shown := must[kratostest.Shown](t)(s.Show(ctx, id))
		if moved := shown.StateChangedAt != last.StateChangedAt; moved != step.moves {
			t.Errorf("%s moves it: %v (%s → %s)", step.name, moved, last.StateChangedAt, shown.StateChangedAt)
		}
		if answer.StateChangedAt != "" && !same(t, answer.StateChangedAt, shown.StateChangedAt) {
			t.Errorf("%s responds with %s, GET with %s", step.name, answer.StateChangedAt, shown.StateChangedAt)
		}
		last = shown
	}
}

// same reports whether two forms of state_changed_at are equal, as instants or
// as wall clock times.
func same(t *testing.T, a, b string) bool {
	t.Helper()
	const resolution = 2 * time.Microsecond
	return instant(t, a).Sub(instant(t, b)).Abs() < resolution || wallClock(t, a).Sub(wallClock(t, b)).Abs() < resolution
}
