package storetest

import "testing"

// RunTransactions runs the part of the suite that depends on how transactions reach
// the store, for one that has passed the whole suite and is reached in another way,
// such as through a pooler of connections.
func RunTransactions(t *testing.T, open Opener) {
	for name, tests := range map[string][]test{
		"Pending": pendingTests, "Atomicity": atomicityTests, "Contention": contentionTests, "Isolation": isolationTests, "Calls": callTests,
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range tests {
				t.Run(c.name, func(t *testing.T) { c.run(newFixture(t, open)) })
			}
		})
	}
}
