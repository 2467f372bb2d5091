package pgstore

import (
	"context"
	"errors"
	"sync"
	"testing"

	"invitebridge/bridge"
)

// TestIdempotentRequestsAtOnce: of several updates that find no record of a key, one
// writes it. The others then find it.
func TestIdempotentRequestsAtOnce(t *testing.T) {
	s := open(t, withWords(t, newDatabase(t), "max_conns", "8"))
	key := bridge.Digest{1}
	const requests = 20
	var mu sync.Mutex
	created := 0
	var wg sync.WaitGroup
	for n := range requests {
		wg.Go(func() {
			first := false
			err := s.Update(context.Background(), func(tx bridge.Tx) error {
				_, err := tx.IdempotentRequest(key)
				if first = errors.Is(err, bridge.ErrRowNotFound); first {
					return tx.PutIdempotentRequest(bridge.IdempotentRequest{Key: key, ID: idOf(1, n)})
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if first {
				created++
			}
		})
	}
	wg.Wait()
	if created != 1 {
		t.Errorf("%d requests found no record, want 1", created)
	}
}
