package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/storetest"
)

// TestStoreCopy: everything in a file is in the database afterwards, as the contract
// of stores shows it. The file is sealed, and what is done again is harmless.
func TestStoreCopy(t *testing.T) {
	c := newCopying(t, 1200)
	c.succeeds("copied to "+c.address+": invitations 1203, tokens 1204, messages 6, history 9, imports 2 with rows 603, idempotency keys 2", "acceptances in progress: 1")
	c.equal()

	c.succeeds("the store is in " + c.address + " already")
	if _, err := boltstore.Open(c.file); !errors.Is(err, boltstore.ErrMoved) || !strings.Contains(err.Error(), c.address) {
		t.Errorf("the file is not sealed: %v", err)
	}
	if code, out, errs := command(t, nil, "store", "unseal", "--from", "bolt://"+c.file); code != exitOK || !strings.Contains(out, "no longer sealed") {
		t.Fatalf("unseal: %d %s%s", code, out, errs)
	}
	c.equal()
	c.fails("the store was already copied into the database")
	if code, out, _ := command(t, nil, "store", "unseal", "--from", "bolt://"+c.file); code != exitOK || !strings.Contains(out, "is not sealed") {
		t.Errorf("unseal: %d %s", code, out)
	}
}

// TestStoreCopy_steps: whatever step fails, bridges can use at most one of the stores,
// and the next run completes the move.
func TestStoreCopy_steps(t *testing.T) {
	for _, step := range []string{"Begin", "AddImport", "AddImportRows", "AddIdempotentRequests", "Add", "Records", "Verified", "Seal", "Finish"} {
		t.Run(step, func(t *testing.T) {
			c := newCopying(t, 600)
			if err := c.copyUntil(step); !errors.Is(err, errStep) {
				t.Fatalf("got %v", err)
			}
			if c.opens() && c.serves() {
				t.Error("bridges can use both stores")
			}
			if step != "Begin" && c.serves() {
				t.Error("a bridge can use the database before the copy is complete")
			}
			c.succeeds(": invitations 603, tokens ")
			c.equal()
			if c.opens() || !c.serves() {
				t.Error("bridges can use the file, or cannot use the database")
			}
		})
	}
}

// TestStoreCopy_changed: if a bridge used the file after a copy was interrupted, the
// copy begins anew.
func TestStoreCopy_changed(t *testing.T) {
	c := newCopying(t, 600)
	if err := c.copyUntil("Verified"); !errors.Is(err, errStep) {
		t.Fatal(err)
	}
	c.update(func(tx bridge.Tx) error {
		inv, err := tx.PendingInvitation(c.first.Email, c.first.SchemaID)
		if err != nil {
			return err
		}
		inv, err = inv.Revoke(bridge.ReasonRequested, inv.UpdatedAt.Add(time.Second))
		return errors.Join(err, tx.PutInvitation(inv), tx.DeleteInvitation(c.claimed))
	})
	c.succeeds(": invitations 602, tokens ")
	c.equal()
}

// TestStoreCopy_refused: what must not be mixed is not touched.
func TestStoreCopy_refused(t *testing.T) {
	t.Run("others connected", func(t *testing.T) {
		c := newCopying(t, 0)
		other := c.database(c.dsn())
		c.fails("a bridge is connected to the database: stop every bridge")
		other.Close()
		c.succeeds(": invitations 3, tokens ")
	})
	t.Run("not empty", func(t *testing.T) {
		c := newCopying(t, 0)
		other := c.database(c.asTest())
		if _, err := storetest.Fill(t.Context(), other, 3, 9, time.Now()); err != nil {
			t.Fatal(err)
		}
		other.Close()
		c.fails("the database is not empty: a copy needs a database without invitations")
		if !c.opens() || !c.serves() {
			t.Error("it changed one of the stores")
		}
	})
	t.Run("has imports", func(t *testing.T) {
		c := newCopying(t, 0)
		other := c.database(c.asTest())
		if err := other.Update(t.Context(), func(tx bridge.Tx) error { return c.putImports(tx, time.Now().UTC()) }); err != nil {
			t.Fatal(err)
		}
		other.Close()
		c.fails("the database is not empty: a copy needs a database without invitations and imports")
		if !c.opens() || !c.serves() {
			t.Error("it changed one of the stores")
		}
	})
	t.Run("another store", func(t *testing.T) {
		c, other := newCopying(t, 0), newCopying(t, 0)
		other.environ = c.environ
		if err := c.copyUntil("Verified"); !errors.Is(err, errStep) {
			t.Fatal(err)
		}
		other.fails("the database is not empty")
		c.succeeds(": invitations 3, tokens ")
		other.fails("the database is not empty")
	})
	t.Run("written meanwhile", func(t *testing.T) {
		c := newCopying(t, 0)
		other := c.database(c.asTest()) // a bridge that was not stopped
		err := c.with(func(m *storeCopy) {
			m.to = failing{copyTarget: m.to, step: "Add", before: func() error {
				_, err := storetest.Fill(t.Context(), other, 3, 9, time.Now())
				return err
			}}
		})
		if err == nil || !strings.Contains(err.Error(), "the copy differs from the store file") {
			t.Errorf("got %v", err)
		}
		other.Close()
		if !c.opens() || c.serves() {
			t.Error("the file is sealed, or a bridge can use the database")
		}
		c.fails("the database is not empty")
	})
	t.Run("in use", func(t *testing.T) {
		c := newCopying(t, 0)
		s, err := boltstore.Open(c.file)
		if err != nil {
			t.Fatal(err)
		}
		c.fails("the store file is in use")
		s.Close()
	})
	t.Run("moved elsewhere", func(t *testing.T) {
		c := newCopying(t, 0)
		c.succeeds(": invitations 3, tokens ")
		c.environ = newCopying(t, 0).environ
		c.fails("the store was moved", c.address)
	})
}

// TestStoreCopy_served: a bridge on the database accepts with a token that was issued
// before the move, and one on the file does not start.
func TestStoreCopy_served(t *testing.T) {
	c := newCopying(t, 0)
	before := startFakeBridge(t, "dsn: bolt://"+c.file)
	issued := before.invite(object{"email": "moved@example.com"})
	before.stop()
	c.succeeds(": invitations 4, tokens ")
	code, _, errs := command(t, []string{
		envDSN + "=bolt://" + c.file, "INVITEBRIDGE_SERVE_PUBLIC_PORT=0", "INVITEBRIDGE_SERVE_ADMIN_PORT=0",
		"INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: a, key: a-long-enough-key}]",
	}, "serve")
	if code != exitFailed || !strings.Contains(errs, "its invitations are in "+c.address) || strings.Contains(errs, databasePassword) {
		t.Errorf("serve: %d %s", code, errs)
	}
	after := startFakeBridge(t, "dsn: "+strings.TrimPrefix(c.environ[0], envDSN+"="))
	if a := after.call(http.MethodGet, after.public+base+"/"+token(issued), nil); a.status != http.StatusOK {
		t.Errorf("preview: %d %s", a.status, a.text)
	}
	if code := after.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, after.log)
	}
}
