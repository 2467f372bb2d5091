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

// sent is a transport that keeps the bodies of one method.
func sent(method string, bodies *[]string) http.RoundTripper {
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

// What a PUT does not name, Kratos erases; what it does not know, it refuses.
func TestWrite_wholeIdentity(t *testing.T) {
	b, bodies := newBench(t, kratos.Config{}), []string(nil)
	c := newClient(t, kratos.Config{AdminURL: b.fake.URL, Transport: sent(http.MethodPut, &bodies)})
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
		if err := c.Write(t.Context(), test.of, test.w); err != nil {
			t.Errorf("%s: %v", test.w.Name(), err)
		}
		if len(bodies) != 1 || strings.TrimSpace(bodies[0]) != test.want {
			t.Errorf("%s: sent %s\nwant %s", test.w.Name(), bodies, test.want)
		}
	}
}

// A metadata member that is somebody else's is neither overwritten by a mark nor
// lost by a password.
func TestWrite_foreignMark(t *testing.T) {
	for _, metadata := range []string{`"text"`, `[1.0]`, `{"invitation":{"by":"someone else"}}`, `{"invitation":null,"n":1.0}`} {
		b := newBench(t, kratos.Config{})
		id, err := b.fake.Create(t.Context(), `{"schema_id":"default","state":"inactive","traits":{"email":"eve@example.com"},"metadata_admin":`+metadata+`}`)
		must(t, err)
		i, err := b.client.Get(t.Context(), id)
		must(t, err)
		b.fake.ResetLog()
		for _, w := range []bridge.Write{b.activation(), bridge.WriteMark{Mark: bridge.Mark{InvitationID: b.mark}}} {
			if err := b.client.Write(t.Context(), i, w); !isOutcome(err, bridge.OutcomeRefused) || !strings.Contains(err.Error(), "metadata_admin") {
				t.Errorf("%s, %s: %v", metadata, w.Name(), err)
			}
		}
		if n := len(b.fake.Log()); n != 0 {
			t.Errorf("%s: %d requests", metadata, n)
		}
		must(t, b.client.Write(t.Context(), i, bridge.WritePassword{Password: invitedPassword}))
		if now, err := b.client.Get(t.Context(), id); err != nil || string(now.MetadataAdmin) != metadata {
			t.Errorf("%s became %s, %v", metadata, now.MetadataAdmin, err)
		}
	}
}

// A success whose answer shows another identity than was written is none.
func TestWrite_otherAnswer(t *testing.T) {
	for _, test := range []struct {
		w        func(*bench) bridge.Write
		old, now string // of the identity as it was
		want     func(error) bool
	}{
		{func(b *bench) bridge.Write { return b.activation() }, "", "", isUnknown},
		{func(b *bench) bridge.Write { return b.activation() }, `"state":"inactive"`, `"state":"active"`, isUnknown}, // without the mark
		{func(*bench) bridge.Write { return bridge.WritePassword{Password: invitedPassword} }, `"state":"inactive"`, `"state":"active"`, isUnknown},
		{func(*bench) bridge.Write { return bridge.WritePassword{Password: invitedPassword} }, `"invitation"`, `"invited"`, isUnknown},
		{func(*bench) bridge.Write { return bridge.WriteMark{Mark: bridge.Mark{InvitationID: uuid.New()}} }, "", "", isUnknown},
		{func(*bench) bridge.Write { return bridge.WriteVerified{} }, "", "", func(err error) bool { return errors.Is(err, bridge.ErrIdentityRace) }},
	} {
		b := newBench(t, kratos.Config{})
		b.fake.Inject(answers(200, strings.Replace(b.shown(t), test.old, test.now, 1), ""))
		if err := b.client.Write(t.Context(), b.made, test.w(b)); !test.want(err) {
			t.Errorf("%s, %s: %v", test.w(b).Name(), test.now, err)
		}
	}
}

func isUnknown(err error) bool { return isOutcome(err, bridge.OutcomeUnknown) }

// These would do harm, or nothing, and are not sent.
func TestWrite_notSent(t *testing.T) {
	b := newBench(t, kratos.Config{})
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
		if err := b.client.Write(t.Context(), test.i, test.w); !isOutcome(err, bridge.OutcomeRefused) {
			t.Errorf("%s: %v", test.w.Name(), err)
		}
	}
	if n := len(b.fake.Log()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

type unknownWrite struct{}

func (unknownWrite) Name() string { return "unknown" }

// TestEmailTraits are configured, where the schema is not to be asked.
func TestEmailTraits(t *testing.T) {
	s := kratostest.Shared(t)
	f := newFake(t, kratostest.FakeOptions{})
	for name, address := range map[string]string{"Fake": f.URL, "Real": s.AdminURL} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, kratos.Config{AdminURL: address, EmailTraits: map[string]string{kratostest.CustomerSchema: "contact.email"}})
			email := uuid.NewString() + "@example.com"
			i, err := c.Create(t.Context(), bridge.NewIdentity{
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
				t.Errorf("by another trait: found %+v, %v", found, err)
			}
			if found, err = elsewhere.Get(t.Context(), i.ID); err != nil || found.Email != "" || found.EmailIndex != -1 || !slices.Equal(found.Addresses, []string{email}) {
				t.Errorf("by another trait: read %+v, %v", found, err)
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
	for _, most := range []int32{4, 16} {
		opened.Store(0)
		c := newClient(t, kratos.Config{AdminURL: s.URL, MaxConns: int(most)})
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
		if n := opened.Load(); n > most {
			t.Errorf("opened %d connections for 320 calls, want at most %d", n, most)
		}
	}
}
