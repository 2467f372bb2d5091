package kratos_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// isList reports whether the request reads several identities.
func isList(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == kratostest.RouteIdentities
}

// A list that fails because of its length or of one identity is read in parts.
func TestCreateAll_readInParts(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (int, string){
		"the address is too long": func(r *http.Request) (int, string) {
			if len(r.URL.RequestURI()) > 8000 {
				return http.StatusRequestURITooLong, ""
			}
			return 0, ""
		},
		"every address is too long": func(*http.Request) (int, string) { return http.StatusRequestURITooLong, "" },
		"ids are ignored": func(*http.Request) (int, string) {
			return http.StatusOK, `[{"id":"` + uuid.NewString() + `","schema_id":"default","state":"inactive","traits":{}}]`
		},
		"no list of identities": func(*http.Request) (int, string) { return http.StatusInternalServerError, kratosError(500) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
			lists := 0
			c := newClient(t, kratos.Config{AdminURL: f.URL, Timeout: longTimeout, Transport: &gateway{answer: func(r *http.Request, _ string) (int, string) {
				if !isList(r) {
					return 0, ""
				}
				lists++
				return answer(r)
			}}})
			wantCreatedOnce(t, f, c, c.CreateAll(t.Context(), invitedMany(500)))
			if lists > 31 {
				t.Errorf("%d lists", lists)
			}
		})
	}
}

// An identity that Kratos cannot show leaves the others alone.
func TestCreateAll_oneUnreadable(t *testing.T) {
	f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
	n := invitedMany(100)
	sick := ""
	c := newClient(t, kratos.Config{AdminURL: f.URL, Timeout: longTimeout, Transport: &gateway{answer: func(r *http.Request, _ string) (int, string) {
		if isList(r) && sick == "" {
			sick = r.URL.Query()["ids"][7]
		}
		if r.Method == http.MethodGet && strings.Contains(r.URL.RequestURI(), sick) {
			return http.StatusInternalServerError, kratosError(500)
		}
		return 0, ""
	}}})
	unknown := 0
	for i, r := range c.CreateAll(t.Context(), n) {
		if r.Err == nil {
			continue
		}
		unknown++
		if !isOutcome(r.Err, bridge.OutcomeUnknown) || !strings.Contains(r.Err.Error(), "could not be read") {
			t.Errorf("result %d: %v", i, r.Err)
		}
	}
	if unknown != 1 || f.Len() != len(n) {
		t.Errorf("%d unknown results and %d identities, want 1 and %d", unknown, f.Len(), len(n))
	}
}

// Without a read, nothing proves that an identity exists.
func TestCreateAll_notRead(t *testing.T) {
	for name, test := range map[string]struct {
		fault  kratostest.Fault
		status int
	}{
		"unavailable": {respondWith(http.StatusServiceUnavailable, "", text), http.StatusServiceUnavailable},
		"cut":         {kratostest.Fault{Do: kratostest.CutAfter}, 0},
		"not shown":   {respondWith(http.StatusOK, "[]", ""), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
			c := newClient(t, kratos.Config{AdminURL: f.URL})
			test.fault.Method, test.fault.Route = http.MethodGet, kratostest.RouteIdentities
			f.Inject(test.fault)
			for i, r := range c.CreateAll(t.Context(), invitedMany(3)) {
				if !isOutcome(r.Err, bridge.OutcomeUnknown) || kratos.StatusOf(r.Err) != test.status || r.Identity.ID != uuid.Nil {
					t.Errorf("result %d is %+v, %v", i, r.Identity, r.Err)
				}
			}
			if f.Len() != 3 {
				t.Errorf("%d identities", f.Len())
			}
		})
	}
}

// The limits of one identity do not apply to many.
func TestCreateAll_limits(t *testing.T) {
	f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
	f.Inject(kratostest.Fault{Method: http.MethodPatch, Delay: 300 * time.Millisecond, Times: 1})
	c := newClient(t, kratos.Config{AdminURL: f.URL, Timeout: 200 * time.Millisecond, MaxResponseBytes: 2 << 10})
	results := c.CreateAll(t.Context(), invitedMany(200))
	wantCreatedOnce(t, f, newClient(t, kratos.Config{AdminURL: f.URL, Timeout: longTimeout}), results)
	if n := f.Count(http.MethodGet, kratostest.RouteIdentities).Calls; n != 1 {
		t.Errorf("%d lists", n)
	}
}

// After a request of unknown outcome nothing more is sent.
func TestCreateAll_halts(t *testing.T) {
	for name, test := range map[string]struct {
		fault kratostest.Fault
		first bridge.CallOutcome
	}{
		"lost":         {kratostest.Fault{Do: kratostest.CutAfter}, bridge.OutcomeUnknown},
		"too busy":     {respondWith(http.StatusTooManyRequests, "", text), bridge.OutcomeNotApplied},
		"unauthorized": {respondWith(http.StatusUnauthorized, "", text), bridge.OutcomeRejected},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
			c := newClient(t, kratos.Config{AdminURL: f.URL})
			test.fault.Method, test.fault.Route = http.MethodPatch, kratostest.RouteIdentities
			f.Inject(test.fault)
			for i, r := range c.CreateAll(t.Context(), invitedMany(1001)) {
				want := test.first
				if i >= 500 {
					want = bridge.OutcomeNotApplied
				}
				if !isOutcome(r.Err, want) {
					t.Fatalf("result %d: %v, want outcome %d", i, r.Err, want)
				}
			}
			if n := f.Count(http.MethodPatch, kratostest.RouteIdentities).Calls; n != 1 {
				t.Errorf("%d batches", n)
			}
		})
	}
}

// Results belong to the id that was sent, not to a position.
func TestCreateAll_byPatchID(t *testing.T) {
	f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
	n := invitedMany(4)
	c := newClient(t, kratos.Config{AdminURL: f.URL})
	made, err := c.Create(t.Context(), n[2])
	must(t, err)
	entry := func(rest string, id uuid.UUID) string { return `{` + rest + `,"patch_id":"` + id.String() + `"}` }
	created := `"action":"create","identity":"` + made.ID.String() + `"`
	fault := respondWith(http.StatusOK, `{"identities":[null,`+strings.Join([]string{
		entry(created, n[2].InvitationID),
		entry(created, uuid.New()),
		entry(`"action":"error","error":{"code":409,"message":"no"}`, n[0].InvitationID),
		entry(created, n[3].InvitationID), // not that of this invitation
	}, ",")+`]}`, "")
	fault.Method = http.MethodPatch
	f.Inject(fault)
	results := c.CreateAll(t.Context(), n)
	if !errors.Is(results[0].Err, bridge.ErrIdentityExists) {
		t.Errorf("the one that exists: %v", results[0].Err)
	}
	if results[2].Err != nil || results[2].Identity.ID != made.ID {
		t.Errorf("the created one: %+v, %v", results[2].Identity, results[2].Err)
	}
	for _, i := range []int{1, 3} {
		if !isOutcome(results[i].Err, bridge.OutcomeUnknown) {
			t.Errorf("result %d: %v", i, results[i].Err)
		}
	}
}
