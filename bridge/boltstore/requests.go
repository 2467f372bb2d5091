package boltstore

import (
	"bytes"
	"runtime/debug"
	"time"

	"invitebridge/bridge"
)

// IdempotentRequest implements [bridge.ImportTx].
func (t *tx) IdempotentRequest(key bridge.Digest) (_ bridge.IdempotentRequest, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return bridge.IdempotentRequest{}, err
	}
	value := t.bucket(requestsBucket).Get(key[:])
	if value == nil {
		return bridge.IdempotentRequest{}, bridge.ErrRowNotFound
	}
	return t.decodeRequest(key, value)
}

// PutIdempotentRequest implements [bridge.ImportTx].
func (t *tx) PutIdempotentRequest(r bridge.IdempotentRequest) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	value, err := requestCodec.encode(&r)
	if err != nil {
		return err
	}
	var old []entry
	if was := t.bucket(requestsBucket).Get(r.Key[:]); was != nil {
		if bytes.Equal(was, value) {
			return nil
		}
		before, err := t.decodeRequest(r.Key, was)
		if err != nil {
			return err
		}
		old = requestEntries(before)
	}
	t.reindex(old, requestEntries(r))
	t.put(requestsBucket, r.Key[:], value)
	return t.broken
}

// DeleteIdempotentRequests implements [bridge.ImportTx].
func (t *tx) DeleteIdempotentRequests(before time.Time, limit int) (_ int, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return 0, err
	}
	// The keys are collected first: a cursor loses its position on a delete.
	var keys [][]byte
	end := string(timeKey(before))
	c := t.bucket(requestsByTimeBucket).Cursor()
	for k, _ := c.First(); k != nil && len(keys) < limit && string(k[:timeSize]) <= end; k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		t.delete(requestsByTimeBucket, k)
		t.delete(requestsBucket, k[timeSize:])
	}
	return len(keys), t.broken
}

// requestEntries derives all index entries of a request, from the request alone.
func requestEntries(r bridge.IdempotentRequest) []entry {
	return []entry{{requestsByTimeBucket, append(timeKey(r.At), r.Key[:]...), []byte{}}}
}

func (t *tx) decodeRequest(key bridge.Digest, value []byte) (r bridge.IdempotentRequest, err error) {
	if r, err = requestCodec.decode(value); err != nil {
		return bridge.IdempotentRequest{}, t.corrupt("an idempotent request: %v", err)
	}
	r.Key = key
	return r, nil
}
