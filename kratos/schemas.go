package kratos

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// layoutTTL is how long a layout is reused: schemas change only with the
	// configuration of Kratos.
	layoutTTL = 5 * time.Minute
	// layoutMinInterval is the shortest time between two reads of a schema.
	layoutMinInterval = 5 * time.Second
	// layoutTimeout bounds one read, which is part of a longer call.
	layoutTimeout = 2 * time.Second
)

// Schemas reads identity schemas from Kratos and caches one [Layout] per
// schema. It is safe for concurrent use.
type Schemas struct {
	public  *PublicClient
	now     func() time.Time
	reading singleflight.Group

	mu     sync.Mutex
	cached map[string]cachedLayout
	failed map[string]failedRead
}

// failedRead is a read that failed. It is not retried for three times as long
// as it took, so that callers do not all wait for a host that never responds.
type failedRead struct {
	err   error
	until time.Time
}

type cachedLayout struct {
	layout Layout
	read   time.Time // when it was read
	until  time.Time // when it must be read again
}

// NewSchemas returns an empty cache. It does not close public. now is the
// clock; nil: time.Now.
func NewSchemas(public *PublicClient, now func() time.Time) *Schemas {
	if now == nil {
		now = time.Now
	}
	return &Schemas{public: public, now: now, cached: map[string]cachedLayout{}, failed: map[string]failedRead{}}
}

// Layout returns the layout of a schema, at most five minutes old, or the last
// known one if Kratos does not respond.
//
// Errors: ErrSchemaNotFound, ErrSchemaInvalid or a *bridge.IdentityError, as
// for [PublicClient.Schema]; ctx.Err() if ctx ends first.
func (s *Schemas) Layout(ctx context.Context, id string) (Layout, error) {
	if l, fresh, err := s.find(id); fresh {
		return l, err
	}
	// Concurrent callers share the request, so it must not end with the context
	// of the first.
	reading := s.reading.DoChan(id, func() (any, error) {
		if _, fresh, err := s.find(id); fresh { // read meanwhile
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), layoutTimeout)
		defer cancel()
		return nil, s.read(ctx, id)
	})
	var err error
	select {
	case result := <-reading:
		err = result.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.cached[id]; ok {
		return kept.layout, nil
	}
	return Layout{}, err
}

// Invalidate makes the next caller read the schema again, because a response of
// Kratos contradicts the cached layout.
func (s *Schemas) Invalidate(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.cached[id]; ok {
		kept.until = kept.read.Add(layoutMinInterval)
		s.cached[id] = kept
	}
}

// find returns the cached layout or error and reports whether it is still
// fresh.
func (s *Schemas) find(id string) (l Layout, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.cached[id]
	if failed := s.failed[id]; !ok && s.now().Before(failed.until) {
		return Layout{}, true, failed.err
	}
	return kept.layout, s.now().Before(kept.until), nil
}

func (s *Schemas) read(ctx context.Context, id string) error {
	began := s.now()
	schema, err := s.public.Schema(ctx, id)
	var layout Layout
	if err == nil {
		layout = schema.Layout()
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.cached[id]
	switch {
	case err == nil:
		s.cached[id] = cachedLayout{layout, now, now.Add(layoutTTL)}
	case errors.Is(err, ErrSchemaNotFound):
		delete(s.cached, id)
	case ok:
		kept.until = now.Add(layoutMinInterval)
		s.cached[id] = kept
	default: // callers may pass any id, so remove expired entries
		maps.DeleteFunc(s.failed, func(_ string, f failedRead) bool { return !now.Before(f.until) })
		s.failed[id] = failedRead{err, now.Add(3 * now.Sub(began))}
	}
	return err
}
