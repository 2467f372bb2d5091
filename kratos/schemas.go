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
	// layoutKept is how long a schema is taken for what it was: schemas change
	// with the configuration of Kratos alone.
	layoutKept = 5 * time.Minute
	// layoutAgain is the least time between two readings of one schema.
	layoutAgain = 5 * time.Second
	// layoutTimeout bounds reading one. It is a part of a longer call.
	layoutTimeout = 2 * time.Second
)

// Schemas reads the identity schemas of a running Kratos, and keeps what it
// read: of each schema that Kratos has, one [Layout]. It is safe for concurrent
// use.
type Schemas struct {
	public  *Public
	now     func() time.Time
	reading singleflight.Group

	mu     sync.Mutex
	kept   map[string]keptLayout
	failed map[string]failedRead
}

// failedRead is one that told nothing. It is not tried again for thrice as long
// as it took: callers must not all wait for a host that swallows requests.
type failedRead struct {
	err   error
	until time.Time
}

type keptLayout struct {
	layout Layout
	read   time.Time // when it was
	until  time.Time // when it is to be read again
}

// NewSchemas makes a Schemas that has read nothing yet. It does not own public.
// Now is the clock; nil: time.Now.
func NewSchemas(public *Public, now func() time.Time) *Schemas {
	if now == nil {
		now = time.Now
	}
	return &Schemas{public: public, now: now, kept: map[string]keptLayout{}, failed: map[string]failedRead{}}
}

// Layout gives that of the schema id, as it was at most five minutes ago; or as
// it was last, if Kratos does not answer by then. ErrNoSchema, ErrSchemaInvalid
// or a *bridge.IdentityError, as [Public.Schema] gives them.
func (s *Schemas) Layout(ctx context.Context, id string) (Layout, error) {
	if l, fresh, err := s.find(id); fresh {
		return l, err
	}
	// The one request serves all who wait for it, and so must not end with the
	// context of the first.
	reading := s.reading.DoChan(id, func() (any, error) {
		if _, fresh, err := s.find(id); fresh { // by now
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
	if kept, ok := s.kept[id]; ok {
		return kept.layout, nil
	}
	return Layout{}, err
}

// Doubt has the schema id be read again for the next caller, because an answer
// of Kratos does not agree with what is kept of it.
func (s *Schemas) Doubt(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.kept[id]; ok {
		kept.until = kept.read.Add(layoutAgain)
		s.kept[id] = kept
	}
}

// find gives what is known of a schema, and whether it need not be read.
func (s *Schemas) find(id string) (l Layout, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.kept[id]
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
	kept, ok := s.kept[id]
	switch {
	case err == nil:
		s.kept[id] = keptLayout{layout, now, now.Add(layoutKept)}
	case errors.Is(err, ErrNoSchema):
		delete(s.kept, id)
	case ok:
		kept.until = now.Add(layoutAgain)
		s.kept[id] = kept
	default: // callers may give any id, so what is over must go
		maps.DeleteFunc(s.failed, func(_ string, f failedRead) bool { return !now.Before(f.until) })
		s.failed[id] = failedRead{err, now.Add(3 * now.Sub(began))}
	}
	return err
}
