//go:build !unix

package boltstore

// canCreate always returns nil: without access(2) the only test is to create a
// file, which is left to Open.
func canCreate(string) error { return nil }
