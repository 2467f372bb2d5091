package bridge

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// takeOverPage is the number of imports that are read at once.
const takeOverPage = 100

// once is work that is done once, as soon as it succeeds. The zero value is ready to use.
type once struct {
	mu   sync.Mutex
	done bool
}

// do calls work, unless an earlier call has succeeded. Concurrent callers wait.
func (o *once) do(work func() error) (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		err = work()
		o.done = err == nil
	}
	return err
}

// takeOverImports ends, before the first step of a process that has the store alone, the
// claims of its predecessor, and abandons what the predecessor was loading: nobody else
// can have them, so there is no lease to wait for. If processes share the store, it does
// nothing, as the others may be alive.
//
// Errors: ErrStoreUnavailable; the next call tries again.
func (s *Service) takeOverImports(ctx context.Context) error {
	if s.config.Clock != nil {
		return nil
	}
	return s.importsTaken.do(func() error {
		for before, more := uuid.Nil, true; more; more = before != uuid.Nil {
			page, next, err := s.Imports(ctx, before, takeOverPage)
			if err != nil {
				return err
			}
			for _, i := range page {
				if err := s.takeOver(ctx, i); err != nil {
					return err
				}
			}
			before = next
		}
		return nil
	})
}

// takeOver is takeOverImports for one import.
func (s *Service) takeOver(ctx context.Context, found Import) error {
	now := s.now()
	if _, changed := found.takeOver(s.run, now); !changed {
		return nil
	}
	return s.update(ctx, func(tx Tx) error {
		i, err := tx.Import(found.ID)
		if err != nil {
			return ignoreNotFound(err)
		}
		i, changed := i.takeOver(s.run, now)
		if !changed {
			return nil
		}
		return tx.PutImport(i)
	})
}
