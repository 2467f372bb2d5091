package kratos_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// recordBodies returns a transport that records the request bodies of one
// method.
func recordBodies(method string, bodies *[]string) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		if r.Method == method {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			*bodies = append(*bodies, string(body))
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return http.DefaultTransport.RoundTrip(r)
	})
}

// Kratos erases what a PUT omits and rejects fields it does not know.
func TestWrite_wholeIdentity(t *testing.T) {
	b, bodies := newFixture(t, kratos.Config{}), []string(nil)
	c := newClient(t, kratos.Config{AdminURL: b.fake.URL, Transport: recordBodies(http.MethodPut, &bodies)})
	id, err := b.fake.Create(t.Context(), `{"schema_id":"default","state":"inactive","external_id":"crm-7",
		"traits":{"email":"eve@example.com","numbers":[1.10,1E400]},"metadata_public":{"n":12345678901234567890},
		"metadata_admin":{"z":1.0,"invitation":{"id":"`+b.mark.String()+`","origin":"adopted"},"a":[0.10]}}`)
	must(t, err)
	i, err := c.Get(t.Context(), id)
	must(t, err)
	password := `"credentials":{"password":{"config":{"password":"` + invitedPassword + `"}}}`
	whole := func(admin, state string) string {
		return `{` + password + `,"external_id":"crm-7","metadata_admin":{"z":1.0,"a":[0.10],"invitation":{"id":"` + b.mark.String() + `",` + admin + `}},` +
			`"metadata_public":{"n":12345678901234567890},"schema_id":"default","state":"` + state + `","traits":{"email":"eve@example.com","numbers":[1.10,1E400]}}`
	}
	for _, test := range []struct {
		of   bridge.Identity
		w    bridge.Write
		want string
	}{
		{i, bridge.WritePassword{Password: invitedPassword}, whole(`"origin":"adopted"`, "inactive")},
		{i, b.activation(), whole(`"accepted_at":"2001-09-09T01:46:40.000000Z"`, "active")},
		{b.made, bridge.WritePassword{Password: invitedPassword}, `{` + password + `,"metadata_admin":{"invitation":{"id":"` + b.mark.String() + `"}},` +
			`"schema_id":"default","state":"inactive","traits":{"email":"` + invitedEmail + `"}}`},
	} {
		bodies = nil
		if err := errorOf(c.Write(t.Context(), test.of, test.w)); err != nil {
			t.Errorf("%s: %v", test.w.Name(), err)
		}
		if len(bodies) != 1 || strings.TrimSpace(bodies[0]) != test.want {
			t.Errorf("%s: sent %s\nwant %s", test.w.Name(), bodies, test.want)
		}
	}
}

// errorOf drops the identity that a call returns.
func errorOf(_ bridge.Identity, err error) error { return err }

// A metadata member of another program is neither overwritten by a mark nor
// lost by a password.
func TestWrite_metadataConflict(t *testing.T) {
	for _, metadata := range []string{`"text"`, `[1.0]`, `{"invitation":{"by":"someone else"}}`, `{"invitation":null,"n":1.0}`} {
		b := newFixture(t, kratos.Config{})
		id, err := b.fake.Create(t.Context(), `{"schema_id":"default","state":"inactive","traits":{"email":"eve@example.com"},"metadata_admin":`+metadata+`}`)
		must(t, err)
		i, err := b.client.Get(t.Context(), id)
		must(t, err)
		b.fake.ResetLog()
		for _, w := range []bridge.Write{b.activation(), bridge.WriteMark{Mark: bridge.Mark{InvitationID: b.mark}}} {
			if err := errorOf(b.client.Write(t.Context(), i, w)); !isOutcome(err, bridge.OutcomeRejected) || !strings.Contains(err.Error(), "metadata_admin") {
				t.Errorf("%s, %s: %v", metadata, w.Name(), err)
			}
		}
		if n := len(b.fake.Log()); n != 0 {
			t.Errorf("%s: %d requests, want none", metadata, n)
		}
		must(t, errorOf(b.client.Write(t.Context(), i, bridge.WritePassword{Password: invitedPassword})))
		if now, err := b.client.Get(t.Context(), id); err != nil || string(now.MetadataAdmin) != metadata {
			t.Errorf("%s became %s, %v", metadata, now.MetadataAdmin, err)
		}
	}
}

// A 2xx response that shows a different identity than was written is not a
// success.
func TestWrite_mismatchedResponse(t *testing.T) {
	for _, test := range []struct {
		w        func(*fixture) bridge.Write
		old, now string // replacement in the identity as it was
		want     func(error) bool
	}{
		{func(b *fixture) bridge.Write { return b.activation() }, "", "", isUnknown},
		{func(b *fixture) bridge.Write { return b.activation() }, `"state":"inactive"`, `"state":"active"`, isUnknown}, // without the mark
		{func(*fixture) bridge.Write { return bridge.WritePassword{Password: invitedPassword} }, `"state":"inactive"`, `"state":"active"`, isUnknown},
		{func(*fixture) bridge.Write { return bridge.WritePassword{Password: invitedPassword} }, `"invitation"`, `"invited"`, isUnknown},
		{func(*fixture) bridge.Write { return bridge.WriteMark{Mark: bridge.Mark{InvitationID: uuid.New()}} }, "", "", isUnknown},
		{func(*fixture) bridge.Write { return bridge.WriteVerified{} }, "", "", func(err error) bool { return errors.Is(err, bridge.ErrIdentityRace) }},
	} {
		b := newFixture(t, kratos.Config{})
		b.fake.Inject(respondWith(200, strings.Replace(b.shown(t), test.old, test.now, 1), ""))
		if err := errorOf(b.client.Write(t.Context(), b.made, test.w(b))); !test.want(err) {
			t.Errorf("%s, %s: %v", test.w(b).Name(), test.now, err)
		}
	}
}

func isUnknown(err error) bool { return isOutcome(err, bridge.OutcomeUnknown) }

// Writes that would be harmful or have no effect are not sent.
func TestWrite_notSent(t *testing.T) {
	b := newFixture(t, kratos.Config{})
	b.fake.ResetLog()
	elsewhere := b.made
	elsewhere.EmailIndex = -1
	for _, test := range []struct {
		i bridge.Identity
		w bridge.Write
	}{
		{b.made, bridge.WriteActive{Mark: bridge.Mark{AcceptedAt: time.Now()}, Password: invitedPassword}},
		{b.made, bridge.WriteActive{Mark: bridge.Mark{InvitationID: b.mark}, Password: invitedPassword}},
		{elsewhere, bridge.WriteVerified{At: time.Now()}},
		{b.made, unknownWrite{}},
	} {
		if err := errorOf(b.client.Write(t.Context(), test.i, test.w)); !isOutcome(err, bridge.OutcomeRejected) {
			t.Errorf("%s: %v", test.w.Name(), err)
		}
	}
	if n := len(b.fake.Log()); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

type unknownWrite struct{}

func (unknownWrite) Name() string { return "unknown" }

// Configured email traits take precedence over the schema.
func TestEmailTraits(t *testing.T) {
	s := kratostest.Shared(t)
	f := newFake(t, kratostest.FakeOptions{})
	for name, address := range map[string]string{"Fake": f.URL, "Real": s.AdminURL} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, kratos.Config{AdminURL: address, EmailTraits: map[string]string{kratostest.CustomerSchema: "contact.email"}})
			email := uuid.NewString() + "@example.com"
			i, err := c.Create(t.Context(), bridge.IdentityParams{
				InvitationID: uuid.New(), SchemaID: kratostest.CustomerSchema,
				Traits: json.RawMessage(`{"contact":{"email":"` + strings.ToUpper(email) + `"},"company":"Ada & Co"}`),
			})
			if err != nil || i.Email != email {
				t.Fatalf("made %+v, %v; want %s", i, err, email)
			}
			found, err := c.FindByEmail(t.Context(), email)
			if err != nil || found.ID != i.ID || found.Email != email {
				t.Errorf("found %+v, %v", found, err)
			}
			elsewhere := newClient(t, kratos.Config{AdminURL: address})
			if found, err = elsewhere.FindByEmail(t.Context(), email); !errors.Is(err, bridge.ErrIdentityNotFound) {
				t.Errorf("with another trait: found %+v, %v", found, err)
			}
			if found, err = elsewhere.Get(t.Context(), i.ID); err != nil || found.Email != "" || found.EmailIndex != -1 || !slices.Equal(found.Addresses, []string{email}) {
				t.Errorf("with another trait: read %+v, %v", found, err)
			}
		})
	}
}

func TestConnections(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Millisecond) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	for _, limit := range []int32{4, 16} {
		opened.Store(0)
		c := newClient(t, kratos.Config{AdminURL: s.URL, MaxConns: int(limit)})
		var wait sync.WaitGroup
		for range 16 {
			wait.Go(func() {
				for range 20 {
					if err := c.Ping(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		if n := opened.Load(); n > limit {
			t.Errorf("opened %d connections for 320 calls, want at most %d", n, limit)
		}
	}
}
