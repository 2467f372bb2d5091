package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/metrics"
	"invitebridge/bridge/pgstore"
	"invitebridge/config"
)

// openedStore is the store of a running bridge. The caller closes it.
type openedStore struct {
	bridge.Store
	size   func() (bytes, free int64, err error) // of the file; nil: it is a database
	pool   func() metrics.Pool                   // nil: it is a file
	shared *pgstore.Store                        // nil: it is a file
}

// clock returns the clock of a database; nil: it is a file.
func (s openedStore) clock() bridge.Clock {
	if s.shared == nil {
		return nil
	}
	return s.shared
}

// now returns the clock of the service.
func (s openedStore) now() func() time.Time {
	if s.shared == nil {
		return wallClock
	}
	return s.shared.Now
}

// sharedInterval bounds how long work that another replica has left waits for this
// one: messages, and claims whose lease has ended.
const sharedInterval = time.Second

// sweepInterval returns the time between two sweeps.
func (s openedStore) sweepInterval() time.Duration {
	if s.shared != nil {
		return sharedInterval
	}
	return sweepInterval
}

// pollInterval returns how often this process looks for imports of other processes; 0:
// there are none.
func (s openedStore) pollInterval() time.Duration {
	if s.shared != nil {
		return sharedInterval
	}
	return 0
}

// openStore opens the store that dsn names. A database is migrated first if that is
// configured.
func (s *server) openStore(ctx context.Context) (openedStore, error) {
	dsn := s.config.PostgresDSN().Reveal()
	if dsn == "" {
		store, err := boltstore.Open(s.config.BoltPath(), boltstore.OnCommit(s.instrumentation.metrics.Commit))
		if err != nil {
			return openedStore{}, err
		}
		return openedStore{Store: store, size: store.Size}, nil
	}
	if s.config.Serve.Migrate {
		if err := pgstore.Migrate(ctx, dsn); err != nil {
			return openedStore{}, dsnError(err)
		}
	}
	store, err := pgstore.Open(ctx, dsn, pgstore.WithOnCommit(s.committed), pgstore.WithOnRetry(s.retried))
	if err != nil {
		return openedStore{}, dsnError(err)
	}
	return openedStore{Store: store, pool: func() metrics.Pool { return metrics.Pool(store.Stats()) }, shared: store}, nil
}

// committed counts a commit. One that is tried again is no failure: it was a conflict
// with another transaction, or the database is not available, which shows elsewhere.
func (s *server) committed(took time.Duration, err error) {
	if pgstore.CauseOf(err) != "" {
		err = nil
	}
	s.instrumentation.metrics.Commit(took, err)
}

// retried counts a transaction that is tried again.
func (s *server) retried(cause string, err error) {
	s.instrumentation.metrics.Retry(cause)
	if cause == pgstore.CauseDeadlock {
		s.log.Error("PostgreSQL ended a deadlock between two transactions, and one of them is tried again. "+
			"This is a defect in the order of locks; please report it", "cause", err.Error())
	}
}

// dsnError names the key of an error about a database. A malformed DSN is a mistake
// in the configuration.
func dsnError(err error) error {
	err = fmt.Errorf("dsn: %w", err)
	if errors.Is(err, pgstore.ErrDSN) {
		return usageError{err}
	}
	return err
}

// checkStore checks that serve could open or create the store, or for a database
// that the DSN is well-formed: it connects to nothing.
func checkStore(cfg config.Config) error {
	var err error
	switch dsn, path := cfg.PostgresDSN().Reveal(), cfg.BoltPath(); {
	case dsn != "":
		err = pgstore.ParseDSN(dsn)
	case path != "": // otherwise development mode creates one
		err = boltstore.Probe(path)
	}
	if err != nil {
		return fmt.Errorf("dsn: %w", err)
	}
	return nil
}
