package main

import (
	"strings"
	"testing"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// experimentTests are the short forms of the experiments. Their time limits are those
// of a hung machine; "make torture-replicas" has the real ones.
var experimentTests = map[string]options{
	"contention": {rounds: 3, clients: 100},
	"outages":    {rounds: 3, rate: 20},
	"silences":   {rounds: 1, rate: 10},
	"failovers":  {rounds: 1, rate: 20},
	"histories":  {rounds: 200, parallel: 8},
	"clocks":     {rounds: 20, parallel: 8},
	"rolling":    {rounds: 1, rate: 50},
}

func TestExperiments(t *testing.T) {
	testenv.SkipIfShort(t, slowReason)
	for name := range experiments {
		if name == "drops" {
			continue // it needs root and a network namespace, and repeats silences
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := experimentTests[name]
			var out strings.Builder
			o.replicas, o.postgres, o.slack, o.out = 3, kratostest.OwnPostgres(t), int(testenv.Limit/responseLimit), &out
			err := experiment(t.Context(), name, o)
			t.Log("\n" + out.String())
			if err != nil {
				t.Error(err)
			}
		})
	}
}
