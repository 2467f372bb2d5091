package bridgetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/pgstore"
	"invitebridge/kratos/kratostest"
)

// Opener opens the store with a name, which is new or was closed.
type Opener func(t testing.TB, name string) bridge.Store

// databases are migrated, and empty unless they are in use.
var databases struct {
	mu     sync.Mutex
	byName map[string]string // DSN by the name of the store
	free   []string
}

// Postgres is an [Opener] of stores on PostgreSQL. The rows of a store are deleted
// when the test ends, and its database is used again.
func Postgres(t testing.TB, name string) bridge.Store {
	t.Helper()
	dsn, err := databaseOf(t, name)
	if err != nil {
		t.Fatal(err)
	}
	store, err := pgstore.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func databaseOf(t testing.TB, name string) (string, error) {
	databases.mu.Lock()
	defer databases.mu.Unlock()
	if dsn, found := databases.byName[name]; found {
		return dsn, nil
	}
	if databases.byName == nil {
		databases.byName = make(map[string]string)
	}
	var dsn string
	if n := len(databases.free); n > 0 {
		dsn, databases.free = databases.free[n-1], databases.free[:n-1]
	} else {
		var err error
		if dsn, err = kratostest.SharedPostgres(t).NewDatabase(context.Background()); err != nil {
			return "", err
		}
		dsn += "&statement_timeout=0" // no result depends on the speed of the machine
		if err := pgstore.Migrate(context.Background(), dsn); err != nil {
			return "", err
		}
	}
	databases.byName[name] = dsn
	t.Cleanup(func() {
		err := empty(dsn)
		databases.mu.Lock()
		defer databases.mu.Unlock()
		delete(databases.byName, name)
		if err != nil {
			t.Error(err)
			return
		}
		databases.free = append(databases.free, dsn)
	})
	return dsn, nil
}

// empty deletes all imports and invitations, and with them everything but leases.
func empty(dsn string) (err error) {
	ctx := context.Background()
	store, err := pgstore.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := emptyImports(ctx, store); err != nil {
		return err
	}
	for {
		var ids []uuid.UUID
		err := store.View(ctx, func(tx bridge.Tx) error {
			list, err := tx.ListInvitations(bridge.InvitationQuery{Limit: 100})
			for _, inv := range list {
				ids = append(ids, inv.ID)
			}
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		err = store.Update(ctx, func(tx bridge.Tx) error {
			found, err := tx.Invitations(ids...)
			for _, inv := range found {
				err = errors.Join(err, tx.DeleteInvitation(inv.ID))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
}

func emptyImports(ctx context.Context, store bridge.Store) error {
	return store.Update(ctx, func(tx bridge.Tx) error {
		list, err := tx.ListImports(uuid.Nil, 1000)
		for _, i := range list {
			_, deleted := tx.DeleteImportRows(i.ID, 1_000_000)
			err = errors.Join(err, deleted, tx.DeleteImport(i.ID))
		}
		_, forgotten := tx.DeleteIdempotentRequests(time.Now().AddDate(100, 0, 0), 1_000_000)
		return errors.Join(err, forgotten)
	})
}
