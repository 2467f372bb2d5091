package kratostest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

func newFake(t *testing.T) *kratostest.Fake {
	t.Helper()
	f, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func send(t *testing.T, method, address, body string) (status int, answer string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func patch(op, path, value string) string {
	return fmt.Sprintf(`[{"op":%q,"path":%q,"value":%s}]`, op, path, value)
}

// The fake and the real Kratos respond alike also where the contract of the
// client does not check.
func TestFake_respondsLikeKratos(t *testing.T) {
	genuine, fake := kratostest.Shared(t), newFake(t)
	email, taken := freshEmail(), freshEmail()
	var ids [2]string // of the same person in both
	for i, admin := range []kratostest.Admin{genuine, fake} {
		id, err := admin.Create(t.Context(), person("active", taken))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id.String()
	}
	unknown := "/admin/identities/" + uuid.NewString()
	put := `{"schema_id":"default","state":"active","traits":{"email":"` + email + `"}}`
	for _, test := range []struct{ method, path, body string }{
		{"GET", "/admin/health/ready", ""},
		{"GET", unknown, ""},
		{"GET", "/admin/identities/no-uuid", ""},
		{"GET", "/admin/identities/" + uuid.Nil.String() + "?include_credential=unheard-of", ""},
		{"PUT", unknown, put},
		{"DELETE", unknown, ""},
		{"POST", "/admin/identities", `{`},
		{"POST", "/admin/identities", `{}`},
		{"POST", "/admin/identities", `{"schema_id":"none","traits":{}}`},
		{"POST", "/admin/identities", `{"schema_id":"default","traits":{"email":"none"}}`},
		{"POST", "/admin/identities", `{"schema_id":"default","traits":{"email":"u@münchen.de"}}`},
		{"POST", "/admin/identities", `{"schema_id":"default","traits":{"email":"` + strings.ToUpper(taken) + `"}}`},
		{"POST", "/admin/identities", `{"schema_id":"default","state":"asleep","traits":{"email":"` + email + `"}}`},
		{"POST", "/admin/identities", `{"schema_id":"default","unheard_of":1,"traits":{"email":"` + email + `"}}`},
		{"POST", "/admin/identities", `{"schema_id":"default","traits":{"email":"` + email + `"},"credentials":{"password":{"config":{"password":"` + strings.Repeat("x", 73) + `"}}}}`},
		{"POST", "/admin/identities", person("inactive", email)},
		{"POST", "/admin/identities", `{"schema_id":"customer","traits":{"contact":{}}}`},
		{"GET", "/admin/identities?credentials_identifier=" + taken, ""},
		{"GET", "/admin/identities?credentials_identifier=" + taken + "&include_credential=unheard-of", ""},
		{"POST", unknown, ""},
		{"PATCH", unknown, `[]`},
		{"PATCH", unknown, `{`},
		{"PATCH", "/admin/identities/{taken}", ``},
		{"PATCH", "/admin/identities/{taken}", `{}`},
		{"PATCH", "/admin/identities/{taken}", `[]`},
		{"PATCH", "/admin/identities/{taken}", patch("test", "/state", `"active"`)},
		{"PATCH", "/admin/identities/{taken}", patch("replace", "/id", `"x"`)},
		{"PATCH", "/admin/identities/{taken}", patch("replace", "/credentials", `{}`)},
		{"PATCH", "/admin/identities/{taken}", patch("replace", "/verifiable_addresses/0/verified", `true`)},
		{"PATCH", "/admin/identities/{taken}", patch("replace", "/verifiable_addresses/0/verified", `"yes"`)},
		{"PATCH", "/admin/identities/{taken}", patch("replace", "/verifiable_addresses/0/verified_at", `"noon"`)},
		{"PATCH", "/admin/identities/{taken}", patch("replace", "/verifiable_addresses/0/unheard_of", `1`)},
		{"PATCH", "/admin/identities/{taken}", patch("replace", "/verifiable_addresses/7/verified", `true`)},
		{"PATCH", "/admin/identities/{taken}", patch("replace", "/verifiable_addresses/x/verified", `true`)},
	} {
		at := func(id string) string { return strings.ReplaceAll(test.path, "{taken}", id) }
		wantStatus, want, err := send(t, test.method, genuine.AdminURL+at(ids[0]), test.body)
		if err != nil {
			t.Fatal(err)
		}
		gotStatus, got, err := send(t, test.method, fake.URL+at(ids[1]), test.body)
		if err != nil {
			t.Fatal(err)
		}
		isError := func(s string) bool { return strings.HasPrefix(s, `{"error":{"code":`) }
		if gotStatus != wantStatus || isError(got) != isError(want) {
			t.Errorf("%s %s %s\nfake: %d %s\nreal: %d %s", test.method, test.path, test.body, gotStatus, got, wantStatus, want)
		}
	}
}

// A PATCH of the address has the same effect in both, and so has a later change
// of the traits.
func TestFake_patchesLikeKratos(t *testing.T) {
	genuine, fake := kratostest.Shared(t), newFake(t)
	email := freshEmail()
	at := "/verifiable_addresses/0/"
	person := func(email string) string { return person("inactive", email) }
	var seen [2][]string
	for k, kr := range []struct {
		kratostest.Admin
		url string
	}{{genuine, genuine.AdminURL}, {fake, fake.URL}} {
		id, err := kr.Create(t.Context(), person(email))
		if err != nil {
			t.Fatal(err)
		}
		look := func(what string) {
			t.Helper()
			var shown struct {
				State     string
				Addresses []struct {
					Value, Via, Status string
					Verified           bool
					VerifiedAt         *time.Time `json:"verified_at"`
				} `json:"verifiable_addresses"`
			}
			raw, err := kr.Read(t.Context(), id)
			if err != nil || json.Unmarshal(raw, &shown) != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(shown)
			if err != nil {
				t.Fatal(err)
			}
			seen[k] = append(seen[k], what+": "+string(text))
		}
		send := func(what, body string) {
			t.Helper()
			status, answer, err := send(t, http.MethodPatch, kr.url+"/admin/identities/"+id.String(), body)
			if err != nil || status != http.StatusOK {
				t.Fatalf("%s: %d %s, %v", what, status, answer, err)
			}
			look(what)
		}
		verified := strings.Join([]string{
			patch("replace", at+"verified", `true`), patch("replace", at+"status", `"completed"`),
			patch("replace", at+"verified_at", `"2031-02-03T04:05:06.789012Z"`),
		}, "")
		verified = strings.ReplaceAll(verified, "][", ",")
		send("verified", verified)
		send("empty patch", `[]`)
		send("same value", patch("replace", at+"value", `"`+email+`"`))
		send("another index", patch("replace", "/verifiable_addresses/3/status", `"sent"`))
		for _, e := range []string{strings.ToUpper(email), "x-" + email, email} {
			if err := kr.Replace(t.Context(), id, person(e)); err != nil {
				t.Fatal(err)
			}
			look("traits have " + e)
		}
		send("verified again", verified)
		send("another value", patch("replace", at+"value", `"other@example.com"`))
	}
	for i, want := range seen[0] {
		if got := seen[1][i]; got != want {
			t.Errorf("fake: %s\nreal: %s", got, want)
		}
	}
}

func TestFake_faults(t *testing.T) {
	post := func(t *testing.T, f *kratostest.Fake) (int, error) {
		t.Helper()
		status, _, err := send(t, http.MethodPost, f.URL+kratostest.RouteIdentities, person("inactive", freshEmail()))
		return status, err
	}
	for _, test := range []struct {
		name   string
		fault  kratostest.Fault
		status int // 0: none
		made   int
	}{
		{"pass", kratostest.Fault{Delay: time.Millisecond, Stall: time.Millisecond}, 201, 1},
		{"answer", kratostest.Fault{Do: kratostest.Answer, Status: 429}, 429, 0},
		{"cut before", kratostest.Fault{Do: kratostest.CutBefore}, 0, 0},
		{"cut after", kratostest.Fault{Do: kratostest.CutAfter}, 0, 1},
		{"cut body", kratostest.Fault{Do: kratostest.CutBody}, 0, 1},
		{"commit and answer", kratostest.Fault{Do: kratostest.CommitAndAnswer, Status: 502}, 502, 1},
		{"another method", kratostest.Fault{Do: kratostest.Answer, Status: 500, Method: http.MethodPut}, 201, 1},
		{"another route", kratostest.Fault{Do: kratostest.Answer, Status: 500, Route: kratostest.RouteIdentity}, 201, 1},
		{"later", kratostest.Fault{Do: kratostest.Answer, Status: 500, Skip: 1}, 201, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			remove := f.Inject(test.fault)
			status, err := post(t, f)
			if test.status != 0 && (err != nil || status != test.status) || test.status == 0 && err == nil {
				t.Errorf("status %d, %v; want %d", status, err, test.status)
			}
			want := kratostest.Count{Calls: 1, Commits: test.made}
			if got := f.Count(http.MethodPost, kratostest.RouteIdentities); got != want || f.Len() != test.made {
				t.Errorf("counted %+v, made %d; want %+v", got, f.Len(), want)
			}
			remove()
			if status, err := post(t, f); err != nil || status != 201 {
				t.Errorf("without the fault: %d, %v", status, err)
			}
		})
	}
	t.Run("a number of times", func(t *testing.T) {
		f := newFake(t)
		f.Inject(kratostest.Fault{Do: kratostest.Answer, Status: 503, Skip: 1, Times: 2})
		var got []int
		for range 5 {
			status, err := post(t, f)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, status)
		}
		if fmt.Sprint(got) != "[201 503 503 201 201]" {
			t.Errorf("statuses %v", got)
		}
	})
	t.Run("of one identity", func(t *testing.T) {
		f := newFake(t)
		var statuses []int
		for i := range 2 {
			id, err := f.Create(t.Context(), person("inactive", freshEmail()))
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				f.Inject(kratostest.Fault{ID: id, Do: kratostest.Answer, Status: 500})
			}
			status, _, err := send(t, http.MethodGet, f.URL+kratostest.RouteIdentities+"/"+id.String(), "")
			if err != nil {
				t.Fatal(err)
			}
			statuses = append(statuses, status)
		}
		if fmt.Sprint(statuses) != "[500 200]" {
			t.Errorf("statuses %v", statuses)
		}
	})
	t.Run("held", func(t *testing.T) {
		f := newFake(t)
		arrived, hold := make(chan struct{}), make(chan struct{})
		f.Inject(kratostest.Fault{Arrived: func() { close(arrived) }, Hold: hold})
		done := make(chan error, 1)
		go func() { _, err := post(t, f); done <- err }()
		<-arrived
		if f.Len() != 0 {
			t.Error("it took effect while held")
		}
		close(hold)
		if err := <-done; err != nil || f.Len() != 1 {
			t.Errorf("made %d, %v", f.Len(), err)
		}
	})
	t.Run("down", func(t *testing.T) {
		f := newFake(t)
		f.Down()
		if _, err := post(t, f); err == nil {
			t.Error("it responded")
		}
		if err := f.Up(); err != nil {
			t.Fatal(err)
		}
		if status, err := post(t, f); err != nil || status != 201 {
			t.Errorf("up again: %d, %v", status, err)
		}
	})
}
