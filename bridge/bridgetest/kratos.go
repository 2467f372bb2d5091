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

// Kratos is a fake that passes the contract of the real one, with the questions
// and the interventions that tests need. What must not fail ends the test.
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

// Add makes an identity by another hand than the bridge's.
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

// Deactivate makes an identity inactive, as an administrator does. What it signs
// in with stays.
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

// Exists says whether there is such an identity.
func (k *Kratos) Exists(id uuid.UUID) bool {
	_, err := k.Read(context.Background(), id)
	return err == nil
}

// Active says whether an identity is active.
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

// Puts counts the requests to set a password.
func (k *Kratos) Puts() int { return k.Count(http.MethodPut, kratostest.RouteIdentity).Calls }

// What may befall a request to Kratos.
var (
	CutBefore = kratostest.Fault{Do: kratostest.CutBefore}
	CutAfter  = kratostest.Fault{Do: kratostest.CutAfter}
	CutBody   = kratostest.Fault{Do: kratostest.CutBody}
	FailAfter = kratostest.Fault{Do: kratostest.CommitAndAnswer, Status: http.StatusInternalServerError}
)

// Answer has Kratos answer with a status, and do nothing.
func Answer(status int) kratostest.Fault {
	return kratostest.Fault{Do: kratostest.Answer, Status: status, Body: fmt.Sprintf(`{"error":{"code":%d,"message":"injected"}}`, status)}
}

// OnPut spoils every request to set a password, until mend is called.
func (k *Kratos) OnPut(fault kratostest.Fault) (mend func()) { return k.on(http.MethodPut, fault) }

// OnGet spoils every request to read an identity, until mend is called.
func (k *Kratos) OnGet(fault kratostest.Fault) (mend func()) { return k.on(http.MethodGet, fault) }

func (k *Kratos) on(method string, fault kratostest.Fault) (mend func()) {
	fault.Method, fault.Route = method, kratostest.RouteIdentity
	return k.Inject(fault)
}
