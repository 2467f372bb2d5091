package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

func TestMain(m *testing.M) { os.Exit(kratostest.Main(m)) }

// The tests of replicas do not run beside TestTorture: together they are too much for
// two cores, and what waits for Kratos for too long fails.

// TestReplicasContend: one winner among many clients at different replicas.
func TestReplicasContend(t *testing.T) {
	testenv.SkipIfShort(t, slowReason)
	var out strings.Builder
	err := contend(t.Context(), options{replicas: 3, rounds: 3, clients: 100, postgres: kratostest.OwnPostgres(t), out: &out})
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
}

// TestReplicasKilled kills replicas at some failpoints; "make torture-replicas" takes
// all. At each, something else is left: a claim, a lease, a message, an identity.
func TestReplicasKilled(t *testing.T) {
	testenv.SkipIfShort(t, slowReason)
	sample := []string{
		`invite invite\.create1\.after`, `invite invite\.update1\.after`,
		`accept accept\.update1\.after`, `accept accept\.activate1\.after`, `accept accept\.update3\.after`,
		`revoke revoke\.update1\.after`, `expire sweep\.update1\.before`,
		`send send\.courier1\.after`, `deliver finish\.update1\.before`,
	}
	kills := 3
	if os.Getenv("CI") == "true" {
		kills = 20
	}
	var out strings.Builder
	err := tortureReplicas(t.Context(), options{
		replicas: 3, kills: kills, parallel: 4, slack: int(testenv.Limit / responseLimit),
		only: regexp.MustCompile("^(" + strings.Join(sample, "|") + ")$"), postgres: kratostest.OwnPostgres(t), out: &out,
	})
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
}
