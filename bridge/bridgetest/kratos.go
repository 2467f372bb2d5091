package bridgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// Kratos is a fake that passes the contract of the real one, with the queries and
// interventions that tests need. Unexpected failures end the test.
type Kratos struct {
	*kratostest.Fake
	t testing.TB
}

func newKratos(t testing.TB, o kratostest.FakeOptions) *Kratos {
	t.Helper()
	fake, err := kratostest.NewFake(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	return &Kratos{Fake: fake, t: t}
}

// Add creates an identity outside the bridge.
func (k *Kratos) Add(email string, active bool) uuid.UUID {
	k.t.Helper()
	state := "inactive"
	if active {
		state = "active"
	}
	id, err := k.Create(context.Background(), fmt.Sprintf(`{"schema_id":%q,"state":%q,"traits":{"email":%q}}`, kratostest.DefaultSchema, state, email))
	if err != nil {
		k.t.Fatal(err)
	}
	return id
}

// ActivateByHand sets a password and the active state, as an administrator
// would.
func (k *Kratos) ActivateByHand(id uuid.UUID, password string) {
	k.t.Helper()
	if err := k.Activate(context.Background(), id, password); err != nil {
		k.t.Fatal(err)
	}
}

// Deactivate makes an identity inactive, as an administrator would. Its credentials
// stay.
func (k *Kratos) Deactivate(id uuid.UUID) {
	k.t.Helper()
	if err := k.Fake.Deactivate(context.Background(), id); err != nil {
		k.t.Fatal(err)
	}
}

// Remove deletes an identity, as an administrator would.
func (k *Kratos) Remove(id uuid.UUID) {
	k.t.Helper()
	if err := k.Delete(context.Background(), id); err != nil {
		k.t.Fatal(err)
	}
}

// Exists reports whether the identity exists.
func (k *Kratos) Exists(id uuid.UUID) bool {
	_, err := k.Read(context.Background(), id)
	return err == nil
}

// Active reports whether an identity is active.
func (k *Kratos) Active(id uuid.UUID) bool {
	var identity struct{ State string }
	raw, err := k.Read(context.Background(), id)
	if err == nil {
		err = json.Unmarshal(raw, &identity)
	}
	if err != nil {
		k.t.Error(err)
	}
	return identity.State == "active"
}

// Puts returns the number of requests to set a password.
func (k *Kratos) Puts() int { return k.Count(http.MethodPut, kratostest.RouteIdentity).Calls }

// Faults of a request to Kratos.
var (
	CutBefore = kratostest.Fault{Do: kratostest.CutBefore}
	CutAfter  = kratostest.Fault{Do: kratostest.CutAfter}
	CutBody   = kratostest.Fault{Do: kratostest.CutBody}
	FailAfter = kratostest.Fault{Do: kratostest.CommitAndAnswer, Status: http.StatusInternalServerError}
)

// Answer returns the fault of a Kratos that responds with a status and does nothing.
func Answer(status int) kratostest.Fault {
	return kratostest.Fault{Do: kratostest.Answer, Status: status, Body: fmt.Sprintf(`{"error":{"code":%d,"message":"injected"}}`, status)}
}

// OnPut injects a fault into every request to set a password, until restore is
// called.
func (k *Kratos) OnPut(fault kratostest.Fault) (restore func()) { return k.on(http.MethodPut, fault) }

// OnGet injects a fault into every request to read an identity, until restore is
// called.
func (k *Kratos) OnGet(fault kratostest.Fault) (restore func()) { return k.on(http.MethodGet, fault) }

func (k *Kratos) on(method string, fault kratostest.Fault) (restore func()) {
	fault.Method, fault.Route = method, kratostest.RouteIdentity
	return k.Inject(fault)
}
