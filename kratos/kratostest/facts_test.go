package kratostest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// TestFacts checks, on a real Kratos, the behavior that the bridge relies on
// when it decides whether an account has an owner. If it fails, this version of
// Kratos behaves differently: review the decision first, then the test.
func TestFacts(t *testing.T) {
	inEveryEnvironment(t, func(t *testing.T, p environment, s *kratostest.Server) {
		for name, fact := range map[string]func(*testing.T, environment, *kratostest.Server){
			"state_changed_at of a fresh identity": factFresh,
			"what moves state_changed_at":          factMoves,
			"PATCH of metadata":                    factPatch,
			"the answer to a PATCH":                factPatchAnswer,
			"sessions":                             factSessions,
			"credentials shown":                    factCredentials,
			"deletion of credentials":              factDeletion,
			"a cleaned account":                    factCleaned,
			"a second address":                     factSecondAddress,
		} {
			t.Run(name, func(t *testing.T) { fact(t, p, s) })
		}
	})
}

// environment is a database and the time zone of Kratos.
type environment struct {
	name, zone string
	postgres   bool
}

var environments = []environment{
	{"SQLite", "", false}, {"SQLite/Tokyo", "Asia/Tokyo", false}, {"SQLite/New York", "America/New_York", false},
	{"PostgreSQL", "", true}, {"PostgreSQL/Tokyo", "Asia/Tokyo", true}, {"PostgreSQL/New York", "America/New_York", true},
}

// inEveryEnvironment runs a test on a server of each environment.
func inEveryEnvironment(t *testing.T, test func(t *testing.T, p environment, s *kratostest.Server)) {
	for _, p := range environments {
		t.Run(p.name, func(t *testing.T) {
			o := kratostest.Options{Env: []string{"TZ=" + p.zone}}
			if p.zone == "" {
				o.Env = []string{"TZ=UTC"}
			}
			if p.postgres {
				var err error
				if o.DSN, err = kratostest.SharedPostgres(t).NewDatabase(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			test(t, p, kratostest.StartEveryMethod(t, o))
		})
	}
}

// offset returns how far the local time of the environment is ahead of UTC.
func (p environment) offset(t *testing.T, now time.Time) time.Duration {
	t.Helper()
	zone, err := time.LoadLocation(p.zone)
	if err != nil {
		t.Fatal(err)
	}
	_, seconds := now.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// wallClock returns an instant with its zone dropped.
func wallClock(t *testing.T, text string) time.Time {
	t.Helper()
	at := instant(t, text)
	_, offset := at.Zone()
	return at.Add(time.Duration(offset) * time.Second).UTC()
}

// must stops the test if there is an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// status returns the status of a StatusError; 0 without an error.
func status(t *testing.T, err error) int {
	t.Helper()
	var a *kratostest.StatusError
	if err != nil && !errors.As(err, &a) {
		t.Fatal(err)
	}
	if a == nil {
		return 0
	}
	return a.Status
}

// newMember creates an inactive member without credentials.
func newMember(t *testing.T, s *kratostest.Server) (id uuid.UUID, email string) {
	t.Helper()
	email = freshEmail()
	return must[uuid.UUID](t)(s.Create(t.Context(), member("inactive", email))), email
}

// memberWith returns a body for PUT with a password and a state.
func memberWith(state, email, password string) string {
	return strings.TrimSuffix(member(state, email), "}") +
		fmt.Sprintf(`,"credentials":{"password":{"config":{"password":%q}}}}`, password)
}
