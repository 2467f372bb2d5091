package kratostest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
)

// sharedBuildTimeout allows for a build from scratch on a slow machine.
const sharedBuildTimeout = 15 * time.Minute

var shared struct {
	byMain bool

	once   sync.Once
	server *Server
	err    error

	postgresOnce sync.Once
	postgres     *Postgres
	postgresErr  error
}

// Main runs the tests of a package, then stops the servers of [Shared] and
// [SharedPostgres] if a test started them:
//
//	func TestMain(m *testing.M) { os.Exit(kratostest.Main(m)) }
func Main(m *testing.M) (code int) {
	shared.byMain = true
	code = m.Run()
	stop := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	if shared.server != nil {
		stop(shared.server.Stop())
	}
	if shared.postgres != nil {
		stop(shared.postgres.Stop())
	}
	return code
}

// SkipIfShort skips a test with -short. A test that calls [Start] or [Build]
// directly must call it first, because both return an error with -short.
func SkipIfShort(t testing.TB) {
	t.Helper()
	testenv.SkipIfShort(t, "a real Kratos")
}

// errShort is returned to tests that did not call SkipIfShort.
var errShort = errors.New("kratostest: no server is started with -short: the test must call kratostest.SkipIfShort first")

func short() bool { return testing.Testing() && flag.Parsed() && testing.Short() }

// Shared returns the shared real Kratos of this test process, with the lowest
// bcrypt cost, and starts it for the first test that calls it. Without Kratos
// the test fails; only -short skips it. Tests share its identities, so they must
// choose their own email addresses. [Main] must run the tests.
func Shared(t testing.TB) *Server {
	t.Helper()
	SkipIfShort(t)
	if !shared.byMain {
		t.Fatal("kratostest.Shared needs a TestMain that calls kratostest.Main, which stops the server")
	}
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), sharedBuildTimeout)
		defer cancel()
		// The build may take minutes and reports progress. Kratos' own log of
		// rejected requests would only bury the output of the tests.
		var binary string
		if binary, shared.err = Build(ctx, os.Stderr); shared.err == nil {
			shared.server, shared.err = Start(ctx, Options{BcryptCost: 4, Binary: binary})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// SharedPostgres returns the shared PostgreSQL of this test process, and starts
// it for the first test that calls it. Where PostgreSQL is not installed, it is the
// server that POSTGRES_DSN names; without that, the test is skipped, and fails if the
// environment has CI=true. It is skipped with -short too. [Main] must run the tests.
func SharedPostgres(t testing.TB) *Postgres {
	t.Helper()
	testenv.SkipIfShort(t, "a PostgreSQL server")
	if !shared.byMain {
		t.Fatal("kratostest.SharedPostgres needs a TestMain that calls kratostest.Main, which stops the server")
	}
	shared.postgresOnce.Do(func() {
		shared.postgres, shared.postgresErr = StartPostgres(context.Background())
		if dsn := os.Getenv(envPostgres); errors.Is(shared.postgresErr, ErrNoPostgres) && dsn != "" {
			shared.postgres, shared.postgresErr = foreignPostgres(dsn)
		}
	})
	if errors.Is(shared.postgresErr, ErrNoPostgres) {
		missing(t, shared.postgresErr.Error()+"; or name a server in "+envPostgres)
	}
	if shared.postgresErr != nil {
		t.Fatal(shared.postgresErr)
	}
	return shared.postgres
}

// OwnPostgres is SharedPostgres for tests that need the programs of PostgreSQL, or a
// server of this machine, to stop, configure or dump it.
func OwnPostgres(t testing.TB) *Postgres {
	t.Helper()
	p := SharedPostgres(t)
	if p.foreign != nil {
		missing(t, ErrNoPostgres.Error())
	}
	return p
}

// missing skips a test that needs what is not installed, or fails it in CI.
func missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
