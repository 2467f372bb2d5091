// Package storetest is the conformance suite that every [bridge.Store] must pass.
// It imports the testing package; only tests and benchmarks may import it.
//
// A store's own test calls [Run] with a function that opens the store. No part of
// the suite can be skipped; in particular, contention runs on every store.
//
// [Fill] makes a large store for measurements.
package storetest
