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
	"invitebridge/bridge/testenv"
)

// Contract is the suite that every [bridge.Identities] must pass. For each test
// newIdentities returns an implementation and an Admin of the same identities.
// Tests may share them, because each uses its own email addresses. Traits must
// be those of [DefaultSchema].
func Contract(t *testing.T, newIdentities func(t *testing.T) (bridge.Identities, Admin)) {
	for _, group := range []struct {
		name  string
		tests map[string]func(*testing.T, *contract)
	}{
		{"Create", createTests},
		{"CreateAll", createAllTests},
		{"IDs", idsTests},
		{"Read", readTests},
		{"Activate", activateTests},
		{"ActivateOnly", activateOnlyTests},
		{"Recovery", recoveryTests},
		{"Verify", verifyTests},
		{"Write", writeTests},
		{"Delete", deleteTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					ids, admin := newIdentities(t)
					ctx, cancel := context.WithTimeout(t.Context(), testenv.Limit)
					defer cancel()
					test(t, &contract{ctx: ctx, ids: ids, admin: admin})
				})
			}
		})
	}
}

// contract holds what one test needs of the identity system.
type contract struct {
	ctx   context.Context
	ids   bridge.Identities
	admin Admin
}

func freshEmail() string { return "u-" + uuid.NewString() + "@example.com" }

func newIdentity(email string) bridge.IdentityParams {
	return bridge.IdentityParams{
		InvitationID: uuid.New(), SchemaID: DefaultSchema,
		Traits: json.RawMessage(fmt.Sprintf(`{"email":%q}`, email)),
	}
}

// acceptedAt is the time of acceptance in all tests of the contract.
var acceptedAt = time.Date(2031, 2, 3, 4, 5, 6, 789_012_000, time.UTC)

func activation(invitation uuid.UUID, password string) bridge.WriteActive {
	return bridge.WriteActive{Mark: bridge.Mark{InvitationID: invitation, AcceptedAt: acceptedAt}, Password: password}
}

// write reads an identity and sends one write to it. If the response shows the
// identity, it must be what a read shows afterwards.
func (c *contract) write(t *testing.T, id uuid.UUID, w bridge.Write) error {
	t.Helper()
	after, err := c.ids.Write(c.ctx, c.get(t, id), w)
	if after.ID != uuid.Nil {
		wantSame(t, w.Name(), after, c.get(t, id))
	}
	return err
}

// wantSame compares identities. The JSON of others may be formatted differently,
// and a database may return the addresses in another order each time.
func wantSame(t *testing.T, what string, got, want bridge.Identity) {
	t.Helper()
	wantJSON(t, what+": traits", got.Traits, string(want.Traits))
	wantJSON(t, what+": metadata_public", got.MetadataPublic, string(want.MetadataPublic))
	wantJSON(t, what+": metadata_admin", got.MetadataAdmin, string(want.MetadataAdmin))
	for _, i := range []*bridge.Identity{&got, &want} {
		i.Traits, i.MetadataPublic, i.MetadataAdmin, i.EmailIndex = nil, nil, nil, 0
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

func (c *contract) mustWrite(t *testing.T, id uuid.UUID, w bridge.Write) {
	t.Helper()
	if err := c.write(t, id, w); err != nil {
		t.Fatalf("%s: %v", w.Name(), err)
	}
}

// invite creates an inactive identity with a fresh email address.
func (c *contract) invite(t *testing.T) (bridge.Identity, bridge.IdentityParams) {
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

// raw returns the members of an identity as the admin API shows it.
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

// createAsAdmin creates an identity without the bridge.
func (c *contract) createAsAdmin(t *testing.T, body string, args ...any) uuid.UUID {
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

// errorOf drops the identity that a call returns.
func errorOf(_ bridge.Identity, err error) error { return err }

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

func wantOutcome(t *testing.T, err error, want bridge.CallOutcome, words ...string) {
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

// wantJSON compares JSON values; numbers must be spelled the same.
func wantJSON(t *testing.T, what string, got json.RawMessage, want string) {
	t.Helper()
	if !reflect.DeepEqual(decodeExact(t, got), decodeExact(t, json.RawMessage(want))) {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
}

func decodeExact(t *testing.T, raw json.RawMessage) (value any) {
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
