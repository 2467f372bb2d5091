package kratostest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// exactNumbers lose digits if any step converts them to floating point.
const exactNumbers = `[12345678901234567890, 1.10, 0.1000000000000000055511151231257827, 1E400]`

var createTests = map[string]func(*testing.T, *contract){
	"creates an inactive identity with the mark": func(t *testing.T, c *contract) {
		n := newIdentity("Name." + strings.ToUpper(freshEmail()))
		made, err := c.ids.Create(c.ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []bridge.Identity{made, c.get(t, made.ID)} {
			if i.Active || len(i.Credentials) > 0 || i.SchemaID != DefaultSchema {
				t.Errorf("made %+v", i)
			}
			var traits struct{ Email string }
			if json.Unmarshal(n.Traits, &traits) != nil || i.Email != strings.ToLower(traits.Email) {
				t.Errorf("email is %q, want that of %s in lower case", i.Email, n.Traits)
			}
			if i.Mark != (bridge.Mark{InvitationID: n.InvitationID}) || i.MetadataConflict {
				t.Errorf("mark is %+v", i.Mark)
			}
			if i.MetadataAdmin != nil || i.MetadataPublic != nil {
				t.Errorf("metadata are %s and %s, want none", i.MetadataAdmin, i.MetadataPublic)
			}
			wantJSON(t, "traits", i.Traits, string(n.Traits))
		}
		wantJSON(t, "metadata_admin", c.raw(t, made.ID)["metadata_admin"], fmt.Sprintf(`{"invitation":{"id":%q}}`, n.InvitationID))
	},
	"keeps every digit": func(t *testing.T, c *contract) {
		n := newIdentity(freshEmail())
		traits := strings.Replace(string(n.Traits), "}", `,"numbers":`+exactNumbers+`}`, 1)
		n.Traits = json.RawMessage(traits)
		n.MetadataPublic = json.RawMessage(`{"public":` + exactNumbers + `,"html":"<&>\u2028"}`)
		n.MetadataAdmin = json.RawMessage(`{"z":` + exactNumbers + `,"a":null}`)
		made, err := c.ids.Create(c.ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		c.mustWrite(t, made.ID, activation(n.InvitationID, goodPassword))
		for _, i := range []bridge.Identity{made, c.get(t, made.ID)} {
			wantJSON(t, "traits", i.Traits, traits)
			wantJSON(t, "metadata_public", i.MetadataPublic, string(n.MetadataPublic))
			wantJSON(t, "metadata_admin", i.MetadataAdmin, string(n.MetadataAdmin))
		}
	},
	"email taken, in any spelling": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		for _, email := range []string{i.Email, strings.ToUpper(i.Email)} {
			_, err := c.ids.Create(c.ctx, newIdentity(email))
			wantError(t, err, bridge.ErrIdentityExists)
		}
	},
	"100 concurrently, with one email": createAtOnce,
	"traits rejected by the schema": func(t *testing.T, c *contract) {
		for traits, word := range map[string]string{
			`{"email":"no address"}`:                "traits.email",
			`{}`:                                    "email",
			`{"email":"a@example.com","unknown":1}`: "unknown",
			`{"email":"a@example.com","name":"no parts"}`: "traits.name",
			`[]`:   "traits",
			`null`: "traits",
			``:     "traits",
			`{`:    "traits",
		} {
			n := newIdentity("")
			n.Traits = json.RawMessage(traits)
			_, err := c.ids.Create(c.ctx, n)
			wantOutcome(t, err, bridge.OutcomeInvalid, word)
		}
	},
	"unknown schema": func(t *testing.T, c *contract) {
		n := newIdentity(freshEmail())
		n.SchemaID = "no-such-schema"
		_, err := c.ids.Create(c.ctx, n)
		wantOutcome(t, err, bridge.OutcomeInvalid, "no-such-schema")
	},
	"admin metadata that cannot hold the mark": func(t *testing.T, c *contract) {
		for _, metadata := range []string{`"text"`, `[1]`, `7`, `{"invitation":"mine"}`, `{`} {
			n := newIdentity(freshEmail())
			n.MetadataAdmin = json.RawMessage(metadata)
			_, err := c.ids.Create(c.ctx, n)
			wantOutcome(t, err, bridge.OutcomeInvalid, "metadata_admin")
		}
	},
	"public metadata of any kind": func(t *testing.T, c *contract) {
		for metadata, want := range map[string]string{`"text"`: `"text"`, `[1.0]`: `[1.0]`, `null`: ``, ``: ``} {
			n := newIdentity(freshEmail())
			n.MetadataPublic = json.RawMessage(metadata)
			i, err := c.ids.Create(c.ctx, n)
			if err != nil {
				t.Fatal(err)
			}
			wantJSON(t, "metadata_public", c.get(t, i.ID).MetadataPublic, want)
		}
	},
	"context ended": func(t *testing.T, c *contract) {
		n := newIdentity(freshEmail())
		_, err := c.ids.Create(canceled(c.ctx), n)
		wantOutcome(t, err, bridge.OutcomeNotApplied)
		wantError(t, err, context.Canceled)
		var traits struct{ Email string }
		if err := json.Unmarshal(n.Traits, &traits); err != nil {
			t.Fatal(err)
		}
		_, err = c.ids.FindByEmail(c.ctx, traits.Email)
		wantError(t, err, bridge.ErrIdentityNotFound)
	},
}

func createAtOnce(t *testing.T, c *contract) {
	email := freshEmail()
	errs := make([]error, 100)
	var wait sync.WaitGroup
	for i := range errs {
		spelling := email
		if i%2 == 1 {
			spelling = strings.ToUpper(email)
		}
		wait.Go(func() { _, errs[i] = c.ids.Create(c.ctx, newIdentity(spelling)) })
	}
	wait.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		wantError(t, err, bridge.ErrIdentityExists)
	}
	if made != 1 {
		t.Errorf("%d of %d were created, want 1", made, len(errs))
	}
}

func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

var readTests = map[string]func(*testing.T, *contract){
	"which are inactive": func(t *testing.T, c *contract) {
		inactive, err := c.ids.Create(c.ctx, newIdentity(freshEmail()))
		if err != nil {
			t.Fatal(err)
		}
		var ids [3]uuid.UUID
		for i, state := range []string{"active", "inactive", "active"} {
			if ids[i], err = c.admin.Create(c.ctx, fmt.Sprintf(`{"schema_id":%q,"state":%q,"traits":{"email":%q}}`, DefaultSchema, state, freshEmail())); err != nil {
				t.Fatal(err)
			}
		}
		none := uuid.New()
		got, err := c.ids.InactiveOf(c.ctx, inactive.ID, ids[0], ids[1], none, ids[2])
		slices.SortFunc(got, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		want := []uuid.UUID{inactive.ID, ids[1], none}
		slices.SortFunc(want, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
		if none, err := c.ids.InactiveOf(c.ctx); err != nil || len(none) != 0 {
			t.Errorf("of none: %v, %v", none, err)
		}
	},
	"missing identity": func(t *testing.T, c *contract) {
		_, err := c.ids.Get(c.ctx, uuid.New())
		wantError(t, err, bridge.ErrIdentityNotFound)
		_, err = c.ids.FindByEmail(c.ctx, freshEmail())
		wantError(t, err, bridge.ErrIdentityNotFound)
	},
	"by email, in any spelling of the traits": func(t *testing.T, c *contract) {
		email := freshEmail()
		i, err := c.ids.Create(c.ctx, newIdentity(strings.ToUpper(email)))
		if err != nil {
			t.Fatal(err)
		}
		c.invite(t)
		found, err := c.ids.FindByEmail(c.ctx, email)
		if err != nil || found.ID != i.ID || found.Email != email || found.Mark != i.Mark {
			t.Errorf("found %+v, %v; want %v", found, err, i.ID)
		}
	},
	"by email with special characters": func(t *testing.T, c *contract) {
		for _, local := range []string{"a+b", "a%26b", "a&b=c", "o'hara", "a_b-c.d", "#a?b/c"} {
			email := local + "-" + freshEmail()
			i, err := c.ids.Create(c.ctx, newIdentity(email))
			if err != nil {
				t.Fatalf("%s: %v", email, err)
			}
			found, err := c.ids.FindByEmail(c.ctx, email)
			if err != nil || found.ID != i.ID {
				t.Errorf("found %v, %v for %s; want %v", found.ID, err, email, i.ID)
			}
		}
	},
	"distinguishes credentials from none": func(t *testing.T, c *contract) {
		for credentials, want := range map[string]bool{
			`{}`: false,
			`{"password":{"config":{"password":"correct horse"}}}`:                                        true,
			`{"oidc":{"config":{"providers":[{"provider":"idp","subject":"` + uuid.NewString() + `"}]}}}`: true,
		} {
			email := freshEmail()
			id := c.createAsAdmin(t, `{"schema_id":%q,"state":"inactive","traits":{"email":%q},"credentials":%s}`, DefaultSchema, email, credentials)
			if got := c.get(t, id).Credentials; len(got) > 0 != want {
				t.Errorf("Get: %s returned %v", credentials, got)
			}
			found, err := c.ids.FindByEmail(c.ctx, email)
			if err != nil || len(found.Credentials) > 0 != want {
				t.Errorf("FindByEmail: %s returned %v, %v", credentials, found.Credentials, err)
			}
		}
	},
	"identities created without the bridge": func(t *testing.T, c *contract) {
		for _, test := range []struct {
			metadata, want string
			conflict       bool
		}{
			{`null`, ``, false},
			{`{}`, ``, false},
			{`{"other":{}}`, `{"other":{}}`, false},
			{`"text"`, `"text"`, true},
			{`[]`, `[]`, true},
			{`{"invitation":null}`, `{"invitation":null}`, true},
			{`{"invitation":{"id":"no id"}}`, `{"invitation":{"id":"no id"}}`, true},
			{`{"invitation":[],"other":1.00}`, `{"invitation":[],"other":1.00}`, true},
		} {
			id := c.createAsAdmin(t, `{"schema_id":%q,"traits":{"email":%q},"metadata_admin":%s}`, DefaultSchema, freshEmail(), test.metadata)
			i := c.get(t, id)
			if i.Mark != (bridge.Mark{}) || i.MetadataConflict != test.conflict || !i.Active {
				t.Errorf("read %+v of %s", i, test.metadata)
			}
			wantJSON(t, "metadata_admin", i.MetadataAdmin, test.want)
		}
	},
	"context ended": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		_, err := c.ids.Get(canceled(c.ctx), i.ID)
		wantError(t, err, context.Canceled)
		_, err = c.ids.FindByEmail(canceled(c.ctx), i.Email)
		wantError(t, err, context.Canceled)
		wantError(t, c.ids.Ping(canceled(c.ctx)), context.Canceled)
		if c.ctx.Err() != nil { // it has a deadline of testenv.Limit
			t.Error("the calls did not end with their contexts")
		}
	},
	"readiness": func(t *testing.T, c *contract) {
		if err := c.ids.Ping(c.ctx); err != nil {
			t.Error(err)
		}
	},
}
