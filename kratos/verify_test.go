package kratos_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

func (b *bench) verifying() bridge.Activation {
	a := b.activation()
	a.Email, a.VerifyEmail = invitedEmail, true
	return a
}

// wantNotSet says that no password was set, and whether the address was marked.
func (b *bench) wantNotSet(t *testing.T, verified bool) {
	t.Helper()
	if n := b.fake.Count(http.MethodPut, kratostest.RouteIdentity).Calls; n != 0 {
		t.Errorf("it sent the password %d times", n)
	}
	i, err := b.fake.Read(t.Context(), b.made.ID)
	if err != nil || !strings.Contains(string(i), `"state":"inactive"`) || strings.Contains(string(i), `"verified":true`) != verified {
		t.Errorf("afterwards: %s, %v; want it inactive, and the address verified: %v", i, err, verified)
	}
}

// Whatever befalls the PATCH, the password was not set, and trying again helps
// where the outcome says so.
func TestVerify_outcome(t *testing.T) {
	for _, tr := range append(troubles, oddBodies...) {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tr.config())
			tr.fault.Method, tr.fault.Route = http.MethodPatch, kratostest.RouteIdentity
			mend := b.fake.Inject(tr.fault)
			err := b.client.Activate(t.Context(), b.made.ID, b.verifying())
			want := tr.outcome
			var e *bridge.IdentityError
			if !errors.As(err, &e) || e.Outcome != want || e.Op != "activate" || !strings.Contains(e.Reason, "verified") {
				t.Fatalf("error is %v, want outcome %d", err, want)
			}
			if tr.status >= 0 && e.Status != tr.status {
				t.Errorf("status is %d, want %d", e.Status, tr.status)
			}
			if n := b.fake.Count(http.MethodPatch, kratostest.RouteIdentity).Calls; n != 1 {
				t.Errorf("it sent the PATCH %d times", n)
			}
			b.wantNotSet(t, tr.effect)
			mend()
			if err := newClient(t, kratos.Config{AdminURL: b.fake.URL}).Activate(t.Context(), b.made.ID, b.verifying()); err != nil {
				t.Errorf("again: %v", err)
			}
			if i, err := b.fake.Read(t.Context(), b.made.ID); err != nil || !strings.Contains(string(i), `"verified":true`) {
				t.Errorf("after all: %s, %v", i, err)
			}
		})
	}
}

func TestVerify_race(t *testing.T) {
	patch := kratostest.Fault{Method: http.MethodPatch, Route: kratostest.RouteIdentity}
	lost := patch
	lost.Do, lost.Status, lost.Body = kratostest.Answer, http.StatusConflict, conflict
	t.Run("lost, then won", func(t *testing.T) {
		b := newBench(t, kratos.Config{})
		f := lost
		f.Times = 3
		b.fake.Inject(f)
		if err := b.client.Activate(t.Context(), b.made.ID, b.verifying()); err != nil {
			t.Error(err)
		}
	})
	t.Run("lost for ever", func(t *testing.T) {
		b := newBench(t, kratos.Config{})
		b.fake.Inject(lost)
		if err := b.client.Activate(t.Context(), b.made.ID, b.verifying()); !isOutcome(err, bridge.OutcomeNotDone) {
			t.Error(err)
		}
		b.wantNotSet(t, false)
	})
	for name, test := range map[string]struct {
		meanwhile func(*testing.T, *bench) error
		want      error
	}{
		"activated": {func(t *testing.T, b *bench) error {
			return b.fake.Activate(t.Context(), b.made.ID, "their own")
		}, bridge.ErrIdentityIsActive},
		"moved": {func(t *testing.T, b *bench) error {
			return b.fake.Replace(t.Context(), b.made.ID, `{"schema_id":"default","traits":{"email":"eve@example.com"}}`)
		}, bridge.ErrIdentityNotFound},
		"deleted": {func(t *testing.T, b *bench) error {
			return b.fake.Delete(t.Context(), b.made.ID)
		}, bridge.ErrIdentityNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, kratos.Config{})
			f := patch
			f.Arrived = func() {
				if err := test.meanwhile(t, b); err != nil {
					t.Error(err)
				}
			}
			b.fake.Inject(f)
			if err := b.client.Activate(t.Context(), b.made.ID, b.verifying()); !errors.Is(err, test.want) {
				t.Errorf("error is %v", err)
			}
			if n := b.fake.Count(http.MethodPut, kratostest.RouteIdentity).Calls; n != 0 {
				t.Error("it sent the password")
			}
			i, err := b.fake.Read(t.Context(), b.made.ID)
			if name == "moved" && (err != nil || strings.Contains(string(i), `"verified":true`)) {
				t.Errorf("the other address: %s, %v", i, err)
			}
		})
	}
}

// withoutPut lets all pass but the last write, which never leaves.
func withoutPut() http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPut {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}
		return http.DefaultTransport.RoundTrip(r)
	})
}

// The PATCH changes the address and nothing else, and the PUT keeps what it
// did.
func TestVerify_leavesTheRest(t *testing.T) {
	s, f := kratostest.Shared(t), newFake(t, kratostest.FakeOptions{ExternalIDs: true})
	for name, kr := range map[string]struct {
		url        string
		admin      kratostest.Admin
		externalID string
	}{
		"Fake": {f.URL, f, `"external_id":"crm-7",`},
		"Real": {s.AdminURL, s, ``},
	} {
		t.Run(name, func(t *testing.T) {
			email, mark := uuid.NewString()+"@example.com", uuid.New()
			id, err := kr.admin.Create(t.Context(), `{"schema_id":"default","state":"inactive",`+kr.externalID+`
				"traits":{"email":"`+strings.ToUpper(email)+`","numbers":[1.10,12345678901234567890]},
				"metadata_public":{"html":"<&>","n":1.0},"metadata_admin":{"n":12345678901234567890,"invitation":{"id":"`+mark.String()+`"}}}`)
			if err != nil {
				t.Fatal(err)
			}
			shown := func() (rest, addresses string) {
				var whole map[string]json.RawMessage
				answer, err := kr.admin.Read(t.Context(), id)
				if err != nil || json.Unmarshal(answer, &whole) != nil {
					t.Fatal(err)
				}
				addresses = string(whole["verifiable_addresses"])
				for _, own := range []string{"verifiable_addresses", "credentials", "updated_at"} { // which say when
					delete(whole, own)
				}
				text, err := json.Marshal(whole)
				if err != nil {
					t.Fatal(err)
				}
				return string(text), addresses
			}
			before, _ := shown()
			a := (&bench{mark: mark}).verifying()
			a.Email = email
			first := newClient(t, kratos.Config{AdminURL: kr.url, Transport: withoutPut()}).Activate(t.Context(), id, a)
			if !isOutcome(first, bridge.OutcomeNotDone) {
				t.Errorf("without the PUT: %v", first)
			}
			after, marked := shown()
			if after != before || !strings.Contains(marked, `"verified":true`) || !strings.Contains(marked, `"completed"`) {
				t.Errorf("after:  %s %s\nbefore: %s", after, marked, before)
			}
			if err := newClient(t, kratos.Config{AdminURL: kr.url}).Activate(t.Context(), id, a); err != nil {
				t.Fatal(err)
			}
			if _, kept := shown(); kept != marked {
				t.Errorf("the PUT made it %s, was %s", kept, marked)
			}
			if err := kr.admin.SignIn(t.Context(), email, a.Password); err != nil {
				t.Error(err)
			}
		})
	}
}

// edited changes what is read, and keeps what is patched.
func edited(old, now string, patches *[]string) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPatch {
			sent, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			*patches = append(*patches, string(sent))
			r.Body = io.NopCloser(bytes.NewReader(sent))
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || r.Method != http.MethodGet {
			return res, err
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		res.Body = io.NopCloser(strings.NewReader(strings.Replace(string(answer), old, now, 1)))
		res.ContentLength = -1
		return res, err
	})
}

func TestVerify_place(t *testing.T) {
	const list = `"verifiable_addresses":[`
	t.Run("none", func(t *testing.T) {
		for old, now := range map[string]string{list: `"elsewhere":[`, `"via":"email"`: `"via":"sms"`, `"value":"ada@`: `"value":"eve@`} {
			b, patches := newBench(t, kratos.Config{}), []string(nil)
			c := newClient(t, kratos.Config{AdminURL: b.fake.URL, Transport: edited(old, now, &patches)})
			if err := c.Activate(t.Context(), b.made.ID, b.verifying()); err != nil || len(patches) != 0 {
				t.Errorf("%s: %v, sent %s", now, err, patches)
			}
		}
	})
	// A place that is none on the server changes nothing there, and must not
	// pass for a success.
	t.Run("second", func(t *testing.T) {
		b, patches := newBench(t, kratos.Config{}), []string(nil)
		c := newClient(t, kratos.Config{AdminURL: b.fake.URL, Transport: edited(list,
			list+`{"value":"other@example.com","via":"email","verified":true},{"value":"`+invitedEmail+`","via":"sms","verified":true},`, &patches)})
		if err := c.Activate(t.Context(), b.made.ID, b.verifying()); !isOutcome(err, bridge.OutcomeNotDone) {
			t.Errorf("error is %v", err)
		}
		want := `[{"op":"replace","path":"/verifiable_addresses/2/value","value":"ada@example.com"},` +
			`{"op":"replace","path":"/verifiable_addresses/2/verified","value":true},` +
			`{"op":"replace","path":"/verifiable_addresses/2/status","value":"completed"},` +
			`{"op":"replace","path":"/verifiable_addresses/2/verified_at","value":"2001-09-09T01:46:40.000000Z"}]`
		if len(patches) != 5 || strings.TrimSpace(patches[0]) != want {
			t.Errorf("sent %s\nwant %s", patches, want)
		}
		b.wantNotSet(t, false)
	})
}
