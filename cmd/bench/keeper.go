package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/pgstore"
	"invitebridge/bridge/storetest"
)

// keeper is where the bridges of a section keep invitations: in a file, or in
// PostgreSQL.
type keeper struct {
	suffix          string  // of what is reported
	bytesPerPending uint64  // of disk, roughly
	maxGrowth       float64 // of the time of an operation with many pending invitations, compared with none

	create func(context.Context, *stage) (dsn string, err error)
	fill   func(ctx context.Context, dsn string, n int, at time.Time) ([]storetest.Filled, error) // what create made, by storetest.Fill
	open   func(ctx context.Context, dsn string) (bridge.Store, error)
}

const boltScheme = "bolt://"

var inFile = keeper{
	bytesPerPending: 1800,
	maxGrowth:       1.2,
	create: func(_ context.Context, s *stage) (string, error) {
		dir, err := os.MkdirTemp(s.bench.dir, "store-")
		s.atEnd(func() error { return os.RemoveAll(dir) })
		return boltScheme + filepath.Join(dir, "invites.db"), err
	},
	fill: func(ctx context.Context, dsn string, n int, at time.Time) ([]storetest.Filled, error) {
		store, err := boltstore.Open(storeFile(dsn))
		if err != nil {
			return nil, err
		}
		list, err := storetest.Fill(ctx, store, n, 1, at)
		return list, errors.Join(err, store.Close())
	},
	open: func(_ context.Context, dsn string) (bridge.Store, error) { return boltstore.Open(storeFile(dsn)) },
}

func storeFile(dsn string) string { return strings.TrimPrefix(dsn, boltScheme) }

var inPostgres = keeper{
	suffix:          ", PostgreSQL",
	bytesPerPending: 2100, // a third of it is the write-ahead log
	maxGrowth:       1.3,
	create: func(ctx context.Context, s *stage) (string, error) {
		server := s.bench.database.private
		dsn, err := server.NewDatabase(ctx)
		if err != nil {
			return "", err
		}
		u, err := url.Parse(dsn)
		if err != nil {
			return "", err
		}
		s.atEnd(func() error {
			_, err := server.SQL(context.WithoutCancel(ctx), "DROP DATABASE "+strings.TrimPrefix(u.Path, "/"))
			return err
		})
		return dsn, pgstore.Migrate(ctx, dsn)
	},
	fill: func(ctx context.Context, dsn string, n int, at time.Time) (list []storetest.Filled, err error) {
		to, err := pgstore.OpenCopy(ctx, dsn)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, to.Close()) }()
		if _, err := to.Begin(ctx, pgstore.CopySource{ID: uuid.New(), Version: 1}); err != nil {
			return nil, err
		}
		list, err = storetest.FillBy(n, 1, at, func(records []bridge.Record) error { return to.Add(ctx, records) })
		if err != nil {
			return nil, err
		}
		return list, errors.Join(to.Verified(ctx), to.Finish(ctx))
	},
	open: func(ctx context.Context, dsn string) (bridge.Store, error) { return pgstore.Open(ctx, dsn) },
}
