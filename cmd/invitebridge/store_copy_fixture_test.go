package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/pgstore"
	"invitebridge/bridge/storetest"
)

// copying is a store file with rows of every kind, and a migrated database.
type copying struct {
	t             *testing.T
	file, address string
	environ       []string // has the DSN
	first         bridge.Invitation
	claimed       uuid.UUID
	digests       []bridge.Digest
	imports       []uuid.UUID
	requests      []bridge.Digest
}

func newCopying(t *testing.T, filled int) *copying {
	t.Helper()
	c := &copying{t: t, file: filepath.Join(t.TempDir(), "invites.db")}
	dsn := newDSN(t)
	c.environ = []string{envDSN + "=" + dsn}
	var err error
	if c.address, err = pgstore.DSNAddress(dsn); err != nil {
		t.Fatal(err)
	}
	if err := pgstore.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.Open(c.file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := storetest.Fill(t.Context(), s, filled, 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		c.digests = append(c.digests, f.Token.Digest())
	}
	if err := s.Update(t.Context(), c.putUnusual); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

// succeeds runs the command, and checks what it prints.
func (c *copying) succeeds(want ...string) { c.t.Helper(); c.runs(exitOK, want) }

func (c *copying) fails(want ...string) { c.t.Helper(); c.runs(exitFailed, want) }

func (c *copying) runs(want int, texts []string) {
	c.t.Helper()
	code, out, errs := command(c.t, c.environ, "store", "copy", "--from", "bolt://"+c.file, "-e")
	if code != want || strings.Contains(out+errs, databasePassword) {
		c.t.Fatalf("exit code %d:\n%s%s", code, out, errs)
	}
	for _, text := range texts {
		if !strings.Contains(out+errs, text) {
			c.t.Errorf("there is no %q in\n%s%s", text, out, errs)
		}
	}
}

func (c *copying) dsn() string { return strings.TrimPrefix(c.environ[0], envDSN+"=") }

// asTest is the DSN with a name that is not that of a bridge, so that a copy need not
// wait until the connection has ended, and without a bridge's limit for a call: one
// call here reads everything.
func (c *copying) asTest() string { return c.dsn() + "&application_name=test&statement_timeout=0" }

// database opens the database.
func (c *copying) database(dsn string) *pgstore.Store {
	c.t.Helper()
	s, err := pgstore.Open(c.t.Context(), dsn)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { s.Close() })
	return s
}

// opens and serves report whether a bridge can use the file and the database.
func (c *copying) opens() bool {
	s, err := boltstore.Open(c.file)
	if err == nil {
		s.Close()
	} else if !errors.Is(err, boltstore.ErrMoved) {
		c.t.Error(err)
	}
	return err == nil
}

func (c *copying) serves() bool {
	s, err := pgstore.Open(c.t.Context(), c.asTest())
	if err == nil {
		s.Close()
	} else if !errors.Is(err, pgstore.ErrUnfinishedCopy) {
		c.t.Error(err)
	}
	return err == nil
}

// update changes the file as a bridge does.
func (c *copying) update(fn func(bridge.Tx) error) {
	c.t.Helper()
	s, err := boltstore.Open(c.file)
	if err == nil {
		err = errors.Join(s.Update(c.t.Context(), fn), s.Close())
	}
	if err != nil {
		c.t.Fatal(err)
	}
}
