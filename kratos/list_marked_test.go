package kratos_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// More than two pages of a real Kratos are listed, and each marked identity is
// yielded once.
func TestListMarked(t *testing.T) {
	s := kratostest.Shared(t)
	const n = 230
	want := make(map[uuid.UUID]string)
	for i := range n {
		email, metadata := fmt.Sprintf("marked-%d@example.com", i), `{"invitation":{"id":"`+uuid.NewString()+`"}}`
		switch i % 23 {
		case 0:
			metadata = `{"plan":"pro"}`
		case 1:
			metadata = `{"invitation":"mine"}`
		}
		id, err := s.Create(t.Context(), `{"schema_id":"default","state":"inactive","traits":{"email":"`+email+`"},"metadata_admin":`+metadata+`}`)
		if err != nil {
			t.Fatal(err)
		}
		if i%23 > 1 {
			want[id] = email
		}
	}
	pages := 0
	address := inFront(t, s.AdminURL, func(r *http.Response) { pages++; shift(time.Hour)(r) })
	met := make(map[uuid.UUID]string)
	for m, err := range newClient(t, kratos.Config{AdminURL: address, Timeout: longTimeout}).ListMarked(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, again := met[m.ID]; again {
			t.Errorf("%s was yielded twice", m.Email)
		}
		met[m.ID] = m.Email
		if _, mine := want[m.ID]; mine && (m.Age < 59*time.Minute || m.Age > time.Hour+time.Minute || m.Active || m.CreatedAt.IsZero() || m.Mark.InvitationID == uuid.Nil) {
			t.Errorf("got %+v", m)
		}
	}
	for id, email := range want {
		if met[id] != email {
			t.Errorf("%s was not yielded", email)
		}
	}
	if pages < 3 {
		t.Errorf("%d pages, want at least 3", pages)
	}
}

// Iteration stops at an error, after a break, and when pages form a cycle.
func TestListMarked_stops(t *testing.T) {
	const one = `[{"id":"0198c0de-0000-7000-8000-000000000002","schema_id":"default","state":"inactive","traits":{},"metadata_admin":{"invitation":{"id":"0198c0de-0000-7000-8000-000000000001"}}}]`
	for name, c := range map[string]struct {
		answers []string
		again   bool // a next page each time
		marked  int
		fails   bool
	}{
		"one page":             {answers: []string{one}, marked: 1},
		"no identity":          {answers: []string{"[]"}},
		"a cycle":              {answers: []string{one, one}, again: true, marked: 2},
		"a malformed page":     {answers: []string{one, "{}"}, again: true, marked: 1, fails: true},
		"a malformed identity": {answers: []string{`[{}]`}, fails: true},
	} {
		calls, marked := 0, 0
		var failure error
		fake := newFake(t, kratostest.FakeOptions{})
		for _, answer := range c.answers {
			fake.Inject(kratostest.Fault{Route: kratostest.RouteIdentities, Times: 1, Do: kratostest.Answer, Status: http.StatusOK, Body: answer})
		}
		address := inFront(t, fake.URL, func(r *http.Response) {
			calls++
			if c.again {
				r.Header.Set("Link", `</admin/identities?page_token=0>; rel="first",</admin/identities?page_token=t>; rel="next"`)
			}
		})
		for m, err := range newClient(t, kratos.Config{AdminURL: address, Timeout: longTimeout}).ListMarked(t.Context()) {
			if failure = err; err != nil {
				continue
			}
			if marked++; m.Age != 0 {
				t.Errorf("%s: age is %v, want unknown", name, m.Age)
			}
		}
		if marked != c.marked || (failure != nil) != c.fails || calls != len(c.answers) {
			t.Errorf("%s: %d marked, %d calls, %v", name, marked, calls, failure)
		}
	}
	for _, err := range newClient(t, kratos.Config{AdminURL: closedAddress(t)}).ListMarked(t.Context()) {
		if err == nil {
			t.Error("no error without a server")
		}
		break
	}
}
