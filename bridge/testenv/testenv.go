// Package testenv holds what all tests agree on about the machine they run on:
// how long a test waits, and which tests -short leaves out. Only tests and test
// support import it.
//
// No result depends on the speed of the machine:
//
//   - A test waits for a signal, and no longer than [Limit].
//   - A test of a timeout makes that timeout short, and gives everything else
//     Limit: then only the timeout under test can end the call.
//   - Where the documentation names a fixed timeout, a test compares the constant,
//     or what was constructed with it, with that figure.
//   - A test of a duration reads an injected clock. Where time is real, it asserts
//     a lower bound, or compares with a timeout that is far longer.
package testenv

import (
	"testing"
	"time"
)

// Limit bounds a wait for something that is certain to happen, and each timeout
// that a test does not test. It only ends a hang: the slowest machine needs far
// less.
const Limit = 2 * time.Minute

// pollEvery is short, so that polling costs a test no time.
const pollEvery = 2 * time.Millisecond

// SkipIfShort skips a test with -short, which "make check" passes. Needs names
// what makes the test slow, such as "a real Kratos". A helper that starts such a
// thing calls it, so that all its users are left out.
func SkipIfShort(t testing.TB, needs string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("left out with -short: needs %s", needs)
	}
}

// Eventually polls until done returns true, for what has no signal of its own.
// After Limit the test fails with what, the condition in words.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Limit); !done(); time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", Limit, what)
		}
	}
}

// Receive returns the next value from a channel, or the zero value once it is
// closed. After Limit the test fails with what, the event in words.
func Receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	timer := time.NewTimer(Limit)
	defer timer.Stop()
	select {
	case value := <-from:
		return value
	case <-timer.C:
		t.Fatalf("not within %s: %s", Limit, what)
		panic("unreachable")
	}
}
