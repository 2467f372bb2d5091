// Package storetest is the suite that every [bridge.Store] must pass. It is
// for tests only and may import the testing package; nothing that ships may
// import it.
//
// A store's own test calls [Run] with a function that opens the store. No part
// of the suite can be left out: above all no store is excused from contention.
package storetest
