package pgstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
)

// TestMigrateAtOnce: three processes migrate an empty database at once, then each
// again. All succeed.
func TestMigrateAtOnce(t *testing.T) {
	dsn := emptyDatabase(t)
	for range 2 {
		inProcesses(t, 3, "migrate", dsn)
	}
	s := open(t, dsn)
	put(t, s, sample(1))
	if err := Migrate(t.Context(), dsn); err != nil {
		t.Error(err)
	}
	if got := epochOf(t, s, sample(1).ID); got != 0 {
		t.Error("a migration that had nothing to do changed a row")
	}
}

// TestMigrateLocked: a migration waits no longer than its context.
func TestMigrateLocked(t *testing.T) {
	dsn := emptyDatabase(t)
	if err := Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	execute(t, dsn, "DELETE FROM invitebridge.goose_db_version WHERE version_id > 0")
	conn := connect(t, dsn)
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := Migrate(ctx, dsn); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

// TestProcesses: updates of several processes do not lose each other's.
func TestProcesses(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	put(t, s, sample(1))
	const processes = 3
	inProcesses(t, processes, "increment", dsn)
	if got := epochOf(t, s, sample(1).ID); got != processes*incrementsOfProcess {
		t.Errorf("the counter is %d, want %d", got, processes*incrementsOfProcess)
	}
	checkCounters(t, dsn)
}

const (
	incrementsOfProcess = 200
	processTask         = "PGSTORE_TEST_TASK"
	processDSN          = "PGSTORE_TEST_DSN"
)

// inProcesses runs a task in several processes at once.
func inProcesses(t *testing.T, count int, task, dsn string) {
	t.Helper()
	var wg sync.WaitGroup
	for range count {
		wg.Go(func() {
			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcess$")
			command.Env = append(os.Environ(), processTask+"="+task, processDSN+"="+dsn)
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", task, err, out)
			}
		})
	}
	wg.Wait()
}

// TestProcess is what inProcesses starts. By itself it does nothing.
func TestProcess(t *testing.T) {
	dsn := os.Getenv(processDSN)
	switch os.Getenv(processTask) {
	case "migrate":
		if err := Migrate(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	case "increment":
		s := open(t, dsn)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for range incrementsOfProcess / 4 {
					if err := incrementOnce(s); err != nil {
						t.Error(fmt.Errorf("%d: %w", i, err))
					}
				}
			})
		}
		wg.Wait()
	}
}

func incrementOnce(s *Store) error {
	return s.Update(context.Background(), func(tx bridge.Tx) error {
		inv, err := tx.Invitation(sample(1).ID)
		inv.Epoch++
		return errors.Join(err, tx.PutInvitation(inv))
	})
}
