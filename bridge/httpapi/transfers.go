package httpapi

import (
	"slices"
	"sync"
	"time"

	"invitebridge/bridge"
)

const (
	maxTransfers  = 4                // uploads in all, and as many reports
	transferRetry = 10 * time.Second // advice to a client that must wait for another transfer
)

// transfers are the uploads of files, or the downloads of reports, that are in progress.
// Each takes megabytes for as long as its client takes, so there are few at once.
type transfers struct {
	oneEach string // if an API key may have one only, the reason to refuse another
	full    string // the reason to refuse another at all, with a verb for maxTransfers

	mu   sync.Mutex
	keys []string // the names of their API keys
}

// begin counts a transfer with an API key until end is called.
//
// Errors: ErrTooManyRequests.
func (t *transfers) begin(key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.oneEach != "" && slices.Contains(t.keys, key):
		return bridge.ErrTooManyRequests.WithReasonf("%s", t.oneEach).WithRetryAfter(transferRetry)
	case len(t.keys) >= maxTransfers:
		return bridge.ErrTooManyRequests.WithReasonf(t.full, maxTransfers).WithRetryAfter(transferRetry)
	}
	t.keys = append(t.keys, key)
	return nil
}

func (t *transfers) end(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.keys, key)
	t.keys = slices.Delete(t.keys, i, i+1)
}
