package bridge_test

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
)

type (
	watchKey struct{}
	// heard is a Watch that keeps what it hears.
	heard struct{ calls []string }
)

func (h *heard) watch(ctx context.Context, call string) (context.Context, func(string)) {
	return context.WithValue(ctx, watchKey{}, call), func(outcome string) { h.calls = append(h.calls, call+" "+outcome) }
}

// end is what everything that is watched comes to, if it has the watch's context.
type end struct {
	bridge.Identities
	err    error
	result bridge.Result
	panics bool
}

func (e end) of(ctx context.Context) error {
	if ctx.Value(watchKey{}) == nil {
		return errors.New("the context is not the watch's")
	}
	if e.panics {
		panic("boom")
	}
	return e.err
}

func (e end) Create(ctx context.Context, _ bridge.NewIdentity) (bridge.Identity, error) {
	return bridge.Identity{SchemaID: "made"}, e.of(ctx)
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
func (e end) Write(ctx context.Context, _ bridge.Identity, _ bridge.Write) error {
	return e.of(ctx)
}
func (e end) Ping(ctx context.Context) error                  { return e.of(ctx) }
func (e end) Ask(ctx context.Context, _ bridge.Payload) error { return e.of(ctx) }
func (e end) Send(ctx context.Context, _ bridge.Dispatch) bridge.Result {
	if e.of(ctx) != nil {
		return bridge.Result{}
	}
	return e.result
}

func TestWatchIdentities(t *testing.T) {
	failed := func(o bridge.Outcome) error { return fmt.Errorf("wrapped: %w", &bridge.IdentityError{Outcome: o}) }
	for outcome, err := range map[string]error{
		"ok": nil, "not_found": bridge.ErrIdentityNotFound, "exists": bridge.ErrIdentityExists,
		"race":    bridge.ErrIdentityRace,
		"invalid": failed(bridge.OutcomeInvalid), "refused": failed(bridge.OutcomeRefused),
		"not_done": failed(bridge.OutcomeNotDone), "unknown": failed(bridge.OutcomeUnknown), "error": errors.New("else"),
	} {
		var inner, outer heard
		w := bridge.WatchIdentities(bridge.WatchIdentities(end{err: err}, inner.watch), outer.watch)
		ctx, id := t.Context(), uuid.New()
		made, err1 := w.Create(ctx, bridge.NewIdentity{})
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
			errs = append(errs, w.Write(ctx, got, write))
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

func TestWatchHooksAndSenders(t *testing.T) {
	var h heard
	for _, err := range []error{nil, bridge.ErrHookRefused, bridge.ErrHookUnavailable.Because(errors.New("away")), errors.New("else")} {
		got := bridge.WatchHooks(end{err: err}, h.watch).Ask(t.Context(), bridge.Payload{Type: bridge.EventPrePassword})
		if !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	for _, outcome := range []bridge.SendOutcome{bridge.Sent, bridge.Retry, bridge.Failed, bridge.Disabled} {
		want := bridge.Result{Outcome: outcome, Status: 7}
		if got := bridge.WatchSender(end{result: want}, h.watch).Send(t.Context(), bridge.Dispatch{Endpoint: "crm"}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	const asked = "pre_password_creation "
	want := []string{asked + "ok", asked + "refused", asked + "unavailable", asked + "error", "crm sent", "crm retry", "crm failed", "crm disabled"}
	if diff := cmp.Diff(want, h.calls); diff != "" {
		t.Error(diff)
	}
}

// TestWatchPanic: a panic is told, and goes on.
func TestWatchPanic(t *testing.T) {
	var h heard
	for _, call := range []func(){
		func() { _ = bridge.WatchIdentities(end{panics: true}, h.watch).Ping(t.Context()) },
		func() {
			bridge.WatchSender(end{panics: true}, h.watch).Send(t.Context(), bridge.Dispatch{Endpoint: "crm"})
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
