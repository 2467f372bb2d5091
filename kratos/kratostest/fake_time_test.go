package kratostest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

func openFake(t *testing.T, o kratostest.FakeOptions) *kratostest.Fake {
	t.Helper()
	f, err := kratostest.NewFake(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

type times struct {
	ID      uuid.UUID
	Changed string    `json:"state_changed_at"`
	Created time.Time `json:"created_at"`
}

func timesOf(t *testing.T, f *kratostest.Fake, method, path, body string) (shown times) {
	t.Helper()
	status, answer := f.Do(method, path, body)
	if status >= 300 || json.Unmarshal([]byte(answer), &shown) != nil {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return shown
}

const (
	nanoseconds  = "2006-01-02T15:04:05.999999999Z07:00"
	microseconds = "2006-01-02T15:04:05.999999Z07:00"
	wholeSeconds = "2006-01-02T15:04:05Z07:00"
	noZone       = "2006-01-02T15:04:05.999999Z"
)

// state_changed_at depends on the database and the time zone.
func TestFake_times(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 300_123_456, time.UTC)
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		options       kratostest.FakeOptions
		answer, shown string // layouts
		zone          *time.Location
	}{
		"SQLite":              {kratostest.FakeOptions{}, nanoseconds, nanoseconds, time.UTC},
		"PostgreSQL":          {kratostest.FakeOptions{Precision: time.Microsecond}, nanoseconds, microseconds, time.UTC},
		"PostgreSQL in Tokyo": {kratostest.FakeOptions{Precision: time.Microsecond, Zone: tokyo}, nanoseconds, noZone, tokyo},
		"MySQL":               {kratostest.FakeOptions{Precision: time.Second}, nanoseconds, wholeSeconds, time.UTC},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Now = func() time.Time { return now }
			f := openFake(t, test.options)
			check := func(what string, answer times, path string) time.Time {
				t.Helper()
				at, err := time.Parse(nanoseconds, answer.Changed)
				if err != nil || at.In(test.zone).Format(test.answer) != answer.Changed {
					t.Errorf("%s: the response has %s, %v", what, answer.Changed, err)
				}
				want := at.In(test.zone).Truncate(time.Microsecond)
				if test.shown == wholeSeconds {
					want = at.Round(time.Second)
				}
				if test.shown == nanoseconds {
					want = at
				}
				if got := timesOf(t, f, http.MethodGet, path, ""); got.Changed != want.Format(test.shown) {
					t.Errorf("%s: GET has %s, the response %s", what, got.Changed, answer.Changed)
				}
				return at
			}
			made := timesOf(t, f, http.MethodPost, kratostest.RouteIdentities, person("inactive", "a@example.com"))
			path := kratostest.RouteIdentities + "/" + made.ID.String()
			at := check("create", made, path)
			if early := made.Created.Sub(at); early < time.Millisecond-time.Microsecond || early > 5*time.Millisecond {
				t.Errorf("the state is %v older than the identity", early)
			}
			before := timesOf(t, f, http.MethodGet, path, "").Changed
			if same := timesOf(t, f, http.MethodPatch, path, patch("replace", "/state", `"inactive"`)); same.Changed != before {
				t.Errorf("PATCH of the same state: %s, was %s", same.Changed, before)
			}
			if same := timesOf(t, f, http.MethodPut, path, person("inactive", "b@example.com")); same.Changed != before {
				t.Errorf("PUT with the same state: %s, was %s", same.Changed, before)
			}
			patched := check("PATCH", timesOf(t, f, http.MethodPatch, path, patch("replace", "/state", `"active"`)), path)
			put := check("PUT", timesOf(t, f, http.MethodPut, path, person("inactive", "b@example.com")), path)
			if !patched.After(made.Created) || !put.After(patched) {
				t.Errorf("with a stopped clock: made %v, activated %v, deactivated %v", made.Created, patched, put)
			}
		})
	}
	t.Run("absent", func(t *testing.T) {
		f := openFake(t, kratostest.FakeOptions{NoStateChangedAt: true})
		made := timesOf(t, f, http.MethodPost, kratostest.RouteIdentities, person("inactive", "a@example.com"))
		path := kratostest.RouteIdentities + "/" + made.ID.String()
		if shown := timesOf(t, f, http.MethodGet, path, ""); made.Changed != "" || shown.Changed != "" {
			t.Errorf("made with %q, shown with %q", made.Changed, shown.Changed)
		}
		if now := timesOf(t, f, http.MethodPatch, path, patch("replace", "/state", `"active"`)); now.Changed == "" {
			t.Error("a change of the state left no time")
		}
	})
}
