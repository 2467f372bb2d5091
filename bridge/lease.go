package bridge

import (
	"crypto/sha256"
	"time"

	"github.com/google/uuid"
)

// Lease is the exclusive use of a name by one holder, in all processes that share a
// store. A store need not keep it when the last of them ends.
type Lease struct {
	Name   LeaseName
	Holder uuid.UUID
	Until  time.Time
}

// LeaseName is the digest of what a lease is for, so that a store holds no address.
type LeaseName [sha256.Size]byte

// NewLeaseName returns the name of a lease on a key of some kind.
func NewLeaseName(kind, key string) LeaseName {
	return sha256.Sum256([]byte(kind + ":" + key))
}
