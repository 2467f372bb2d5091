package kratostest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Contract is the suite that every [bridge.Identities] must pass. For each test
// newIdentities gives one, and another hand at the same identities; they may be
// shared between tests, which choose their own e-mail addresses. Traits must be
// those of [DefaultSchema].
func Contract(t *testing.T, newIdentities func(t *testing.T) (bridge.Identities, Admin)) {
	for _, group := range []struct {
		name  string
		tests map[string]func(*testing.T, *contract)
	}{
		{"Create", createTests},
		{"Read", readTests},
		{"Activate", activateTests},
		{"Verify", verifyTests},
		{"Write", writeTests},
		{"Delete", deleteTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					ids, admin := newIdentities(t)
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					test(t, &contract{ctx: ctx, ids: ids, admin: admin})
				})
			}
		})
	}
}

// contract is one test's view of the identity system.
type contract struct {
	ctx   context.Context
	ids   bridge.Identities
	admin Admin
}

func freshEmail() string { return "u-" + uuid.NewString() + "@example.com" }

func newIdentity(email string) bridge.NewIdentity {
	return bridge.NewIdentity{
		InvitationID: uuid.New(), SchemaID: DefaultSchema,
		Traits: json.RawMessage(fmt.Sprintf(`{"email":%q}`, email)),
	}
}

// acceptedAt is when invitations of the contract are accepted.
var acceptedAt = time.Date(2031, 2, 3, 4, 5, 6, 789_012_000, time.UTC)

func activation(invitation uuid.UUID, password string) bridge.WriteActive {
	return bridge.WriteActive{Mark: bridge.Mark{InvitationID: invitation, AcceptedAt: acceptedAt}, Password: password}
}

// write reads an identity, and sends one write to it.
func (c *contract) write(id uuid.UUID, w bridge.Write) error {
	i, err := c.ids.Get(c.ctx, id)
	if err != nil {
		return err
	}
	return c.ids.Write(c.ctx, i, w)
}

func (c *contract) mustWrite(t *testing.T, id uuid.UUID, w bridge.Write) {
	t.Helper()
	if err := c.write(id, w); err != nil {
		t.Fatalf("%s: %v", w.Name(), err)
	}
}

// invite makes an inactive identity for a fresh e-mail address.
func (c *contract) invite(t *testing.T) (bridge.Identity, bridge.NewIdentity) {
	t.Helper()
	n := newIdentity(freshEmail())
	i, err := c.ids.Create(c.ctx, n)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return i, n
}

func (c *contract) get(t *testing.T, id uuid.UUID) bridge.Identity {
	t.Helper()
	i, err := c.ids.Get(c.ctx, id)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return i
}

// raw reads what the admin API shows.
func (c *contract) raw(t *testing.T, id uuid.UUID) map[string]json.RawMessage {
	t.Helper()
	answer, err := c.admin.Read(c.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(answer, &whole); err != nil {
		t.Fatal(err)
	}
	return whole
}

// make creates an identity as another program would.
func (c *contract) make(t *testing.T, body string, args ...any) uuid.UUID {
	t.Helper()
	id, err := c.admin.Create(c.ctx, fmt.Sprintf(body, args...))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (c *contract) wantSignIn(t *testing.T, email, password string, want error) {
	t.Helper()
	if err := c.admin.SignIn(c.ctx, email, password); !errors.Is(err, want) {
		t.Errorf("signing in as %s with %q: %v, want %v", email, password, err, want)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

func wantOutcome(t *testing.T, err error, want bridge.Outcome, words ...string) {
	t.Helper()
	var e *bridge.IdentityError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want an IdentityError", err)
	}
	if e.Outcome != want {
		t.Errorf("outcome of %q is %d, want %d", e, e.Outcome, want)
	}
	for _, word := range words {
		if !strings.Contains(e.Reason, word) {
			t.Errorf("the reason %q does not mention %q", e.Reason, word)
		}
	}
}

// wantJSON compares JSON values; numbers to the letter.
func wantJSON(t *testing.T, what string, got json.RawMessage, want string) {
	t.Helper()
	if !reflect.DeepEqual(exactly(t, got), exactly(t, json.RawMessage(want))) {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
}

func exactly(t *testing.T, raw json.RawMessage) (value any) {
	t.Helper()
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		t.Fatalf("%s is not JSON: %v", raw, err)
	}
	return value
}
