package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

func invite(t *testing.T, w *bridgetest.Harness, r bridge.InviteRequest) bridge.IssuedInvitation {
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

// refusal does the same as refused and returns the error.
func refusal(t *testing.T, err error, want *bridge.Error) *bridge.Error {
	t.Helper()
	var e *bridge.Error
	if !errors.As(err, &e) || e.ID != want.ID {
		t.Fatalf("got %v, want %s", err, want.ID)
	}
	return e
}

// accept accepts and checks that the identity is active and can sign in.
func accept(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation, password string) {
	t.Helper()
	inv, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	if inv.State != bridge.StateAccepted || inv.AcceptedAt.IsZero() {
		t.Fatalf("Accept returned %s at %s", inv.State, inv.AcceptedAt)
	}
	if !w.Kratos.Active(inv.IdentityID) || w.Kratos.SignIn(t.Context(), inv.Email, password) != nil {
		t.Fatal("the identity cannot sign in")
	}
}

// stateOf returns the state of the invitation as Service.Get reports it.
func stateOf(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) bridge.State {
	t.Helper()
	inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
	if err != nil {
		t.Fatal(err)
	}
	return inv.State
}

// failFrom makes every update from the nth on fail.
func failFrom(n int) func(int) error {
	return func(nth int) error {
		if nth >= n {
			return errors.New("input/output error")
		}
		return nil
	}
}

const testLease = bridgetest.Lease

// cutAccept starts an acceptance that fails because of the fault: the caller
// does not learn the outcome.
func cutAccept(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation, fault kratostest.Fault) {
	t.Helper()
	restore := w.Kratos.OnPut(fault)
	defer restore()
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosUnavailable)
}

// acceptRefused accepts with another password and checks that this is refused.
func acceptRefused(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation, want *bridge.Error) {
	t.Helper()
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), "another-Good-1")
	refused(t, err, want)
}

// hookFunc is a blocking hook.
type hookFunc func(context.Context, bridge.Payload) error

func (f hookFunc) Call(ctx context.Context, p bridge.Payload) error { return f(ctx, p) }

func (f hookFunc) Ask(ctx context.Context, _ string, p bridge.Payload) error { return f(ctx, p) }

func sweep(t *testing.T, w *bridgetest.Harness) {
	t.Helper()
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// sweepRepeatedly sweeps three times: a purge makes deletions due for the next
// sweep.
func sweepRepeatedly(t *testing.T, w *bridgetest.Harness) {
	t.Helper()
	for range 2 { // a purge makes deletions due for the next sweep
		if _, err := w.Service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func setState(t *testing.T, w *bridgetest.Harness, id uuid.UUID, state string) {
	t.Helper()
	if err := w.Kratos.SetState(t.Context(), id, state); err != nil {
		t.Fatal(err)
	}
}

func toggle(t *testing.T, w *bridgetest.Harness, id uuid.UUID) {
	t.Helper()
	setState(t, w, id, "active")
	setState(t, w, id, "inactive")
}

func patch(t *testing.T, w *bridgetest.Harness, id uuid.UUID, text string) {
	t.Helper()
	if _, err := w.Kratos.Patch(t.Context(), id, text); err != nil {
		t.Fatal(err)
	}
}

func metadata(t *testing.T, w *bridgetest.Harness, id uuid.UUID) string {
	t.Helper()
	shown, err := w.Kratos.Show(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return string(shown.MetadataAdmin)
}

func cancelableContext(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// newWithSchema makes a harness with the company schemas, one of which is the
// default.
func newWithSchema(t *testing.T, schema string) *bridgetest.Harness {
	t.Helper()
	return bridgetest.NewAt(t, kratostest.FakeOptions{Schemas: kratostest.CompanySchemas()}, func(c *bridge.Config) { c.SchemaID = schema })
}

func traits(text string, args ...any) json.RawMessage { return fmt.Appendf(nil, text, args...) }

// createIdentity creates an identity outside the bridge.
func createIdentity(t *testing.T, w *bridgetest.Harness, schema, state string, traits json.RawMessage) uuid.UUID {
	t.Helper()
	id, err := w.Kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":%q,"state":%q,"traits":%s}`, schema, state, traits))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

const day = 24 * time.Hour // the lifespan in the harness

// emailsSent counts the emails to invitees.
func emailsSent(t *testing.T, w *bridgetest.Harness) int {
	t.Helper()
	return len(w.EventsFor(t, bridge.EndpointCourier))
}
