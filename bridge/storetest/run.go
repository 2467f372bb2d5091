package storetest

import (
	"testing"

	"invitebridge/bridge"
)

// Opener opens the store in dir and creates it if there is none. It fails the
// test if it cannot. Calls with the same dir must open the same data, calls with
// different ones must share nothing: a store that keeps its data elsewhere uses
// dir as its name. The suite closes what it opens.
//
// A clean-up that the Opener registers runs after the suite has closed the store,
// and so can check what is left in dir.
type Opener func(t testing.TB, dir string) bridge.Store

// Run runs the whole suite on a store. Each test has a store of its own.
func Run(t *testing.T, open Opener) {
	for _, area := range []struct {
		name  string
		tests []test
	}{
		{"Values", valueTests},
		{"Tokens", tokenTests},
		{"Pending", pendingTests},
		{"List", listTests},
		{"Paging", pagingTests},
		{"Due", dueTests},
		{"History", historyTests},
		{"Messages", messageTests},
		{"Imports", allImportTests},
		{"Claims", claimTests},
		{"Leases", leaseTests},
		{"Backlog", backlogTests},
		{"Atomicity", atomicityTests},
		{"Contention", contentionTests},
		{"Isolation", isolationTests},
		{"Durability", durabilityTests},
		{"Calls", callTests},
	} {
		t.Run(area.name, func(t *testing.T) {
			for _, c := range area.tests {
				t.Run(c.name, func(t *testing.T) { c.run(newFixture(t, open)) })
			}
		})
	}
}

// test is one situation; its name is the name of the subtest.
type test struct {
	name string
	run  func(b *fixture)
}
