package bridge

import (
	"crypto/sha256"
	"errors"
	"time"
)

// idempotencyPeriod is how long a repetition of a request is recognized.
const idempotencyPeriod = 24 * time.Hour

// IdempotencyKey returns the key under which a request is stored: client is the name of
// its API key, operation what it asks for, and key its idempotency key.
func IdempotencyKey(client, operation, key string) Digest {
	return sha256.Sum256([]byte(client + "\n" + operation + "\n" + key))
}

// repetition returns the record of the first request with the same key.
//
// Errors: ErrRowNotFound if this is the first; ErrIdempotencyKeyReused if its content is
// another one.
func repetition(tx Tx, r IdempotentRequest, now time.Time) (IdempotentRequest, error) {
	first, err := tx.IdempotentRequest(r.Key)
	switch {
	case err == nil && !first.At.Add(idempotencyPeriod).After(now):
		return first, ErrRowNotFound
	case err == nil && first.Body != r.Body:
		return first, ErrIdempotencyKeyReused
	}
	return first, err
}

// purgeIdempotent deletes the records of requests that are no longer recognized.
func (s *Service) purgeIdempotent(now time.Time) func(Tx) (int, error) {
	return func(tx Tx) (int, error) { return tx.DeleteIdempotentRequests(now.Add(-idempotencyPeriod), sweepBatch) }
}
