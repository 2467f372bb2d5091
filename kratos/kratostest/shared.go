package kratostest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// sharedBuildLimit leaves room for a build from scratch on a slow machine.
const sharedBuildLimit = 9 * time.Minute

var shared struct {
	byMain bool

	once   sync.Once
	server *Server
	err    error

	postgresOnce sync.Once
	postgres     *Postgres
	postgresErr  error
}

// Main runs the tests of a package and then stops the server of [Shared] and that
// of [SharedPostgres], if any test asked for them:
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

// Shared gives the one real Kratos of this test process, with the cheapest
// bcrypt, and starts it for the first test that asks. There is no skipping:
// without it, the test fails. Tests share its identities, so they must choose
// their own e-mail addresses. [Main] must run the tests.
func Shared(t testing.TB) *Server {
	t.Helper()
	if !shared.byMain {
		t.Fatal("kratostest.Shared needs a TestMain that calls kratostest.Main: who else would stop the server?")
	}
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), sharedBuildLimit)
		defer cancel()
		// The build may take minutes, and says so; what Kratos logs of its
		// refusals would only bury what tests say.
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

// SharedPostgres gives the one PostgreSQL of this test process, and starts it for
// the first test that asks. Where PostgreSQL is not installed the test is
// skipped, but fails where the environment has CI=true. [Main] must run the
// tests.
func SharedPostgres(t testing.TB) *Postgres {
	t.Helper()
	if !shared.byMain {
		t.Fatal("kratostest.SharedPostgres needs a TestMain that calls kratostest.Main: who else would stop the server?")
	}
	shared.postgresOnce.Do(func() {
		shared.postgres, shared.postgresErr = StartPostgres(context.Background())
	})
	if errors.Is(shared.postgresErr, ErrNoPostgres) && os.Getenv("CI") != "true" {
		t.Skip(shared.postgresErr)
	}
	if shared.postgresErr != nil {
		t.Fatal(shared.postgresErr)
	}
	return shared.postgres
}
