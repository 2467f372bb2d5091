package storetest

import (
	"testing"

	"invitebridge/bridge"
)

// Opener opens the store that is kept in dir, and makes one if there is none.
// It fails the test if it cannot. Two calls with the same dir give the same
// data, and two with different ones share nothing: a store that keeps its data
// elsewhere takes dir for its name. The suite closes what it opens.
//
// A clean-up that the Opener registers runs after the suite has closed the
// store: the place to check what is left in dir.
type Opener func(t testing.TB, dir string) bridge.Store

// Run puts a store through the whole suite. Each test has a store of its own.
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
		{"Messages", messageTests},
		{"Backlog", backlogTests},
		{"Atomicity", atomicityTests},
		{"Contention", contentionTests},
		{"Isolation", isolationTests},
		{"Durability", durabilityTests},
		{"Calls", callTests},
	} {
		t.Run(area.name, func(t *testing.T) {
			for _, c := range area.tests {
				t.Run(c.name, func(t *testing.T) { c.run(newBench(t, open)) })
			}
		})
	}
}

// test is one situation.
type test struct {
	name string
	run  func(b *bench)
}
