package kratos_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// invitedMany returns the parameters of n identities.
func invitedMany(n int) []bridge.IdentityParams {
	all := make([]bridge.IdentityParams, n)
	for i := range all {
		all[i] = invited(fmt.Sprintf("u%d@example.com", i))
	}
	return all
}

// gateway is a proxy that answers some requests itself.
type gateway struct {
	// answer returns the status and body of its own answer; 0: it passes the request
	// on. body is that of the request.
	answer  func(r *http.Request, body string) (status int, text string)
	batches atomic.Int32
	singles atomic.Int32
}

func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.Method {
	case http.MethodPatch:
		g.batches.Add(1)
	case http.MethodPost:
		g.singles.Add(1)
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	status, text := g.answer(r, string(body))
	if status == 0 {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: status, ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
	}, nil
}

func kratosError(status int) string {
	return fmt.Sprintf(`{"error":{"code":%d,"message":"no"}}`, status)
}

// wantCreatedOnce checks that every identity was created, except those that existed,
// and that there are no others.
func wantCreatedOnce(t *testing.T, f *kratostest.Fake, c *kratos.Client, results []bridge.CreateResult, existed ...int) {
	t.Helper()
	for i, r := range results {
		if slices.Contains(existed, i) {
			if !errors.Is(r.Err, bridge.ErrIdentityExists) {
				t.Errorf("result %d, which existed: %v", i, r.Err)
			}
			continue
		}
		if r.Err != nil {
			t.Fatalf("result %d: %v", i, r.Err)
		}
		got, err := c.Get(t.Context(), r.Identity.ID)
		if err != nil || got.Email != fmt.Sprintf("u%d@example.com", i) {
			t.Errorf("result %d: read %+v, %v", i, got, err)
		}
	}
	if f.Len() != len(results) {
		t.Errorf("Kratos has %d identities, want %d", f.Len(), len(results))
	}
}

// A refusal of a whole batch because of one identity does not keep the others from
// being created.
func TestCreateAll_inParts(t *testing.T) {
	for name, test := range map[string]struct {
		n, most, maxBatches, maxSingles int
		status                          int
		text                            string
	}{
		"one exists, on MySQL":       {n: 500, most: 1, status: http.StatusConflict, text: kratosError(409), maxBatches: 10, maxSingles: 32},
		"one cannot be decoded":      {n: 40, most: 1, status: http.StatusBadRequest, text: kratosError(500), maxBatches: 3, maxSingles: 20},
		"a batch is too long":        {n: 500, most: 100, status: http.StatusRequestEntityTooLarge, maxBatches: 15},
		"every batch is too long":    {n: 100, most: 1, status: http.StatusRequestEntityTooLarge, maxBatches: 7, maxSingles: 100},
		"every one exists, on MySQL": {n: 500, most: 0, status: http.StatusConflict, text: kratosError(409), maxBatches: 31, maxSingles: 500},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
			g := &gateway{answer: func(r *http.Request, body string) (int, string) {
				many := strings.Count(body, `"traits"`)
				refused := test.status == http.StatusRequestEntityTooLarge || test.most == 0 || strings.Contains(body, `"u7@example.com"`)
				if r.Method == http.MethodPatch && many > test.most && refused || r.Method == http.MethodPost && test.most == 0 {
					return test.status, test.text
				}
				return 0, ""
			}}
			c := newClient(t, kratos.Config{AdminURL: f.URL, Timeout: longTimeout, Transport: g})
			results := c.CreateAll(t.Context(), invitedMany(test.n))
			if test.most == 0 {
				for i, r := range results {
					if !errors.Is(r.Err, bridge.ErrIdentityExists) {
						t.Fatalf("result %d: %v", i, r.Err)
					}
				}
			} else {
				wantCreatedOnce(t, f, c, results)
			}
			if batches, singles := int(g.batches.Load()), int(g.singles.Load()); batches > test.maxBatches || singles > test.maxSingles {
				t.Errorf("%d batches and %d single creates, want at most %d and %d", batches, singles, test.maxBatches, test.maxSingles)
			}
		})
	}
}

// What v1.3.1 undid is sent once more, together.
func TestCreateAll_undone(t *testing.T) {
	f := newFake(t, kratostest.FakeOptions{})
	c := newClient(t, kratos.Config{AdminURL: f.URL, Timeout: longTimeout})
	_, err := c.Create(t.Context(), invited("u7@example.com"))
	must(t, err)
	f.ResetLog()
	results := c.CreateAll(t.Context(), invitedMany(20))
	var sent []string
	for _, r := range f.Log() {
		sent = append(sent, fmt.Sprint(r.Method, " ", r.Route, " ", strings.Count(r.Body, `"patch_id"`)))
	}
	want := []string{"PATCH /admin/identities 20", "GET /admin/identities 0", "PATCH /admin/identities 19", "GET /admin/identities 0"}
	if !slices.Equal(sent, want) {
		t.Errorf("sent %q, want %q", sent, want)
	}
	wantCreatedOnce(t, f, c, results, 7)
}

// The reasons of Kratos itself, where the client does not read schemas.
func TestCreateAll_reasons(t *testing.T) {
	check := func(t *testing.T, adminURL string) {
		t.Helper()
		c := newClient(t, kratos.Config{AdminURL: adminURL, Timeout: longTimeout})
		n := []bridge.IdentityParams{invited(uuid.NewString() + "@example.com"), invited("no address"), invited("x@example.com"), invited(uuid.NewString() + "@example.com")}
		n[2].SchemaID = "no-such-schema"
		results := c.CreateAll(t.Context(), n)
		for i, words := range map[int][]string{1: {"traits.email", "no address"}, 2: {"no-such-schema"}} {
			err := results[i].Err
			if !isOutcome(err, bridge.OutcomeInvalid) || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(err.Error(), w) }) {
				t.Errorf("%s: %v", n[i].Traits, err)
			}
		}
		for _, i := range []int{0, 3} {
			if results[i].Err != nil {
				t.Errorf("result %d: %v", i, results[i].Err)
			}
		}
	}
	for name, later := range map[string]bool{"Fake": false, "FakeOfLaterKratos": true} {
		t.Run(name, func(t *testing.T) { check(t, newFake(t, kratostest.FakeOptions{ExternalIDs: later}).URL) })
	}
	t.Run("Real", func(t *testing.T) { check(t, kratostest.Shared(t).AdminURL) })
}
