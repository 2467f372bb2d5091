package storetest

import (
	"errors"
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var requestTests = []test{
	{"requests: all fields, and none", func(b *fixture) {
		full, empty := b.request("full"), bridge.IdempotentRequest{Key: digestOf("empty")}
		b.allSet(full)
		b.putRequests(full, empty)
		b.sameRequests(full, empty)
		b.missingRequests(b.request("else"), bridge.IdempotentRequest{})
	}},
	{"requests: times come back in UTC, to the microsecond", func(b *fixture) {
		r := b.request("one")
		r.At = time.Date(2999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		b.putRequests(r)
		b.view(func(tx bridge.Tx) error {
			got, err := tx.IdempotentRequest(r.Key)
			if got.At != r.At { // compares the location too
				b.Errorf("got %#v, want %#v", got.At, r.At)
			}
			return err
		})
	}},
	{"requests: a put replaces everything", func(b *fixture) {
		r := b.request("one")
		b.putRequests(r, r)
		r.Body, r.ID, r.Created, r.At = digestOf("else"), uuid.UUID{9}, false, r.At.Add(time.Hour)
		b.putRequests(r)
		b.sameRequests(r)
		b.same("at the former time", 0, b.deleteRequests(r.At.Add(-time.Microsecond), 9))
		b.sameRequests(r)
		b.same("at the new time", 1, b.deleteRequests(r.At, 9))
		b.missingRequests(r)
	}},
	{"requests: reads see the writes of their own transaction", func(b *fixture) {
		r := b.request("one")
		b.update(func(tx bridge.Tx) error {
			_, err := tx.IdempotentRequest(r.Key)
			b.is(err, bridge.ErrRowNotFound)
			b.is(tx.PutIdempotentRequest(r), nil)
			got, err := tx.IdempotentRequest(r.Key)
			b.is(err, nil)
			b.same("request", r, got)
			n, err := tx.DeleteIdempotentRequests(r.At, 9)
			b.same("deleted", 1, n)
			b.is(err, nil)
			_, err = tx.IdempotentRequest(r.Key)
			b.is(err, bridge.ErrRowNotFound)
			return nil
		})
		b.missingRequests(r)
	}},
	{"requests: deletion, the earliest first, up to the limit and the time", func(b *fixture) {
		// The earlier the time, the later the write.
		var list []bridge.IdempotentRequest
		for n := range 20 {
			r := b.request(fmt.Sprint(n))
			r.At = epoch.Add(time.Duration(-n) * time.Hour)
			list = append([]bridge.IdempotentRequest{r}, list...)
			b.putRequests(r)
		}
		b.same("none so old", 0, b.deleteRequests(list[0].At.Add(-time.Microsecond), 9))
		b.same("limit", 3, b.deleteRequests(far, 3))
		b.missingRequests(list[:3]...)
		b.sameRequests(list[3:]...)
		b.same("boundary", 7, b.deleteRequests(list[9].At, 99))
		b.missingRequests(list[:10]...)
		b.sameRequests(list[10:]...)
		b.same("all", 10, b.deleteRequests(far, 99))
		b.same("none is left", 0, b.deleteRequests(far, 99))
		b.missingRequests(list...)
	}},
	{"requests: many at the same time", func(b *fixture) {
		for n := range 50 {
			r := b.request(fmt.Sprint(n))
			r.At = epoch
			b.putRequests(r)
		}
		for _, want := range []int{20, 20, 10, 0} {
			b.same("deleted", want, b.deleteRequests(epoch, 20))
		}
	}},
	{"requests: one of several with a key wins, and the others find it", func(b *fixture) {
		i, keys := b.imports(1)[0], 4
		won := b.contend(errRule, func(tx bridge.Tx, n int) error {
			r := bridge.IdempotentRequest{Key: digestOf(fmt.Sprint(n % keys)), ID: uuid.UUID{1, byte(n)}, At: epoch}
			first, err := tx.IdempotentRequest(r.Key)
			switch {
			case err == nil && first.ID[1]%byte(keys) == byte(n%keys):
				return errRule
			case !errors.Is(err, bridge.ErrRowNotFound):
				return errors.Join(err, fmt.Errorf("got %s", first.ID))
			}
			found, err := tx.Import(i.ID)
			found.Begun++
			return errors.Join(err, tx.PutIdempotentRequest(r), tx.PutImport(found))
		})
		b.same("winners", keys, len(won))
		b.same("begun", keys, b.getImport(i.ID).Begun)
		for _, n := range won {
			b.sameRequests(bridge.IdempotentRequest{Key: digestOf(fmt.Sprint(n % keys)), ID: uuid.UUID{1, byte(n)}, At: epoch})
		}
	}},
	{"requests: they do not depend on what they created", func(b *fixture) {
		r, i := b.request("one"), b.newImport()
		r.ID = i.ID
		b.putImports(i)
		b.putRequests(r)
		b.deleteImport(i.ID)
		b.sameRequests(r)
	}},
}

// request makes a record of a request with all fields set.
func (b *fixture) request(key string) bridge.IdempotentRequest {
	b.made++
	at := epoch.Add(time.Duration(b.made) * time.Second)
	return bridge.IdempotentRequest{Key: digestOf(key), Body: digestOf("body of " + key), ID: idAt(at, b.made), Created: true, At: at}
}

func (b *fixture) putRequests(list ...bridge.IdempotentRequest) {
	b.Helper()
	b.update(func(tx bridge.Tx) error {
		for _, r := range list {
			if err := tx.PutIdempotentRequest(r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *fixture) deleteRequests(before time.Time, limit int) (n int) {
	b.Helper()
	b.update(func(tx bridge.Tx) (err error) {
		n, err = tx.DeleteIdempotentRequests(before, limit)
		return err
	})
	return n
}

func (b *fixture) sameRequests(stored ...bridge.IdempotentRequest) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		for _, r := range stored {
			got, err := tx.IdempotentRequest(r.Key)
			b.is(err, nil)
			b.same("request", r, got)
		}
		return nil
	})
}

func (b *fixture) missingRequests(list ...bridge.IdempotentRequest) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		for _, r := range list {
			_, err := tx.IdempotentRequest(r.Key)
			b.is(err, bridge.ErrRowNotFound)
		}
		return nil
	})
}
