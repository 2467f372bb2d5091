package instrument_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/instrument"
)

// email is an invited address.
const email = "ada@example.com"

type (
	observerKey struct{}
	// recorder is an Observer that records calls and their outcomes.
	recorder struct{ calls []string }
)

func (r *recorder) observe(ctx context.Context, call string) (context.Context, func(string)) {
	return context.WithValue(ctx, observerKey{}, call), func(outcome string) { r.calls = append(r.calls, call+" "+outcome) }
}

// end implements every instrumented port. Each call fails unless it receives the
// observer's context; otherwise it returns err or result, or panics.
type end struct {
	bridge.Identities
	err    error
	result bridge.SendResult
	panics bool
}

func (e end) of(ctx context.Context) error {
	if ctx.Value(observerKey{}) == nil {
		return errors.New("the context is not the observer's")
	}
	if e.panics {
		panic("boom")
	}
	return e.err
}

func (e end) Create(ctx context.Context, _ bridge.IdentityParams) (bridge.Identity, error) {
	return bridge.Identity{SchemaID: "made"}, e.of(ctx)
}
func (e end) CreateAll(ctx context.Context, n []bridge.IdentityParams) []bridge.CreateResult {
	return []bridge.CreateResult{{Identity: bridge.Identity{SchemaID: n[0].SchemaID}}, {Err: e.of(ctx)}, {Err: bridge.ErrIdentityExists}, {}}
}
func (e end) Get(ctx context.Context, id uuid.UUID) (bridge.Identity, error) {
	return bridge.Identity{ID: id}, e.of(ctx)
}
func (e end) FindByEmail(ctx context.Context, email string) (bridge.Identity, error) {
	return bridge.Identity{Email: email}, e.of(ctx)
}
func (e end) FindByTraits(ctx context.Context, email, _ string, _ json.RawMessage) (bridge.Identity, []string, error) {
	return bridge.Identity{Email: email}, []string{"taken"}, e.of(ctx)
}
func (e end) HasSessions(ctx context.Context, _ uuid.UUID) (bool, error) { return true, e.of(ctx) }
func (e end) Write(ctx context.Context, i bridge.Identity, _ bridge.Write) (bridge.Identity, error) {
	return i, e.of(ctx)
}
func (e end) InactiveOf(ctx context.Context, _ ...uuid.UUID) ([]uuid.UUID, error) {
	return nil, e.of(ctx)
}
func (e end) Ping(ctx context.Context) error                            { return e.of(ctx) }
func (e end) Ask(ctx context.Context, _ string, _ bridge.Payload) error { return e.of(ctx) }
func (e end) Call(ctx context.Context, _ bridge.Payload) error          { return e.of(ctx) }
func (e end) Send(ctx context.Context, _ bridge.Dispatch) bridge.SendResult {
	if e.of(ctx) != nil {
		return bridge.SendResult{}
	}
	return e.result
}

// TestIdentities: every call is reported with its name and outcome, also by nested
// observers, and arguments and results pass unchanged.
func TestIdentities(t *testing.T) {
	failed := func(o bridge.CallOutcome) error { return fmt.Errorf("wrapped: %w", &bridge.IdentityError{Outcome: o}) }
	for outcome, err := range map[string]error{
		"ok": nil, "not_found": bridge.ErrIdentityNotFound, "exists": bridge.ErrIdentityExists,
		"race":    bridge.ErrIdentityRace,
		"invalid": failed(bridge.OutcomeInvalid), "refused": failed(bridge.OutcomeRejected),
		"not_done": failed(bridge.OutcomeNotApplied), "unknown": failed(bridge.OutcomeUnknown), "error": errors.New("else"),
	} {
		var inner, outer recorder
		w := instrument.Identities(instrument.Identities(end{err: err}, inner.observe), outer.observe)
		ctx, id := t.Context(), uuid.New()
		made, err1 := w.Create(ctx, bridge.IdentityParams{})
		got, err2 := w.Get(ctx, id)
		found, err3 := w.FindByEmail(ctx, email)
		_, taken, err4 := w.FindByTraits(ctx, email, "", nil)
		has, err5 := w.HasSessions(ctx, id)
		errs := []error{err1, err2, err3, err4, err5, w.Ping(ctx)}
		want := []string{"create " + outcome, "get " + outcome, "find_by_email " + outcome, "find_by_traits " + outcome, "has_sessions " + outcome, "ping " + outcome}
		for _, write := range []bridge.Write{
			bridge.WriteMark{}, bridge.WriteVerified{}, bridge.WriteActive{}, bridge.WritePassword{}, bridge.EndSessions{},
			bridge.RemoveCredential{}, bridge.DeleteIdentity{},
		} {
			after, err := w.Write(ctx, got, write)
			if after.ID != id {
				t.Errorf("%s: %s returned %v", outcome, write.Name(), after)
			}
			errs = append(errs, err)
			want = append(want, write.Name()+" "+outcome)
		}
		if !has || made.SchemaID != "made" || got.ID != id || found.Email != email || len(taken) != 1 ||
			slices.ContainsFunc(errs, func(e error) bool { return !errors.Is(e, err) || (e == nil) != (err == nil) }) {
			t.Errorf("%s: %v %v %v, errors %v", outcome, made, got, found, errs)
		}
		if diff := cmp.Diff([][]string{want, want}, [][]string{inner.calls, outer.calls}); diff != "" {
			t.Error(diff)
		}
	}
}

// TestCreateAll: a call that creates several identities has the worst of their outcomes.
func TestCreateAll(t *testing.T) {
	for outcome, err := range map[string]error{
		"exists": nil, "invalid": &bridge.IdentityError{Outcome: bridge.OutcomeInvalid}, "refused": &bridge.IdentityError{Outcome: bridge.OutcomeRejected},
		"not_done": &bridge.IdentityError{Outcome: bridge.OutcomeNotApplied}, "error": errors.New("else"),
		"unknown": &bridge.IdentityError{Outcome: bridge.OutcomeUnknown}, "race": bridge.ErrIdentityRace, "not_found": bridge.ErrIdentityNotFound,
	} {
		var r recorder
		results := instrument.Identities(end{err: err}, r.observe).CreateAll(t.Context(), []bridge.IdentityParams{{SchemaID: "made"}})
		if len(results) != 4 || results[0].Identity.SchemaID != "made" || !errors.Is(results[1].Err, err) {
			t.Errorf("%s: results %+v", outcome, results)
		}
		if diff := cmp.Diff([]string{"create_all " + outcome}, r.calls); diff != "" {
			t.Error(diff)
		}
	}
}

// TestHooksAndSenders: every call and attempt is reported with its outcome.
func TestHooksAndSenders(t *testing.T) {
	var h recorder
	for _, err := range []error{nil, bridge.ErrHookRefused, bridge.ErrHookUnavailable.WithCause(errors.New("down")), errors.New("else")} {
		hooks := instrument.Hooks(end{err: err}, h.observe)
		got := hooks.Call(t.Context(), bridge.Payload{Type: bridge.EventPrePassword})
		if asked := hooks.Ask(t.Context(), "authz", bridge.Payload{Type: bridge.EventPreInviter}); !errors.Is(asked, err) || !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	for _, outcome := range []bridge.AttemptOutcome{bridge.AttemptSent, bridge.AttemptRetry, bridge.AttemptFailed, bridge.AttemptDisabled} {
		want := bridge.SendResult{Outcome: outcome, Status: 7}
		if got := instrument.Sender(end{result: want}, h.observe).Send(t.Context(), bridge.Dispatch{Endpoint: "crm"}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	const called, asked = "pre_password_creation ", "pre_inviter_request "
	want := []string{called + "ok", asked + "ok", called + "refused", asked + "refused", called + "unavailable", asked + "unavailable",
		called + "error", asked + "error", "crm sent", "crm retry", "crm failed", "crm disabled"}
	if diff := cmp.Diff(want, h.calls); diff != "" {
		t.Error(diff)
	}
}

// TestPanic: a panic is reported and propagates.
func TestPanic(t *testing.T) {
	var h recorder
	for _, call := range []func(){
		func() { _ = instrument.Identities(end{panics: true}, h.observe).Ping(t.Context()) },
		func() {
			instrument.Sender(end{panics: true}, h.observe).Send(t.Context(), bridge.Dispatch{Endpoint: "crm"})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			call()
		}()
	}
	if diff := cmp.Diff([]string{"ping panic", "crm panic"}, h.calls); diff != "" {
		t.Error(diff)
	}
}
