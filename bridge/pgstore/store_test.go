package pgstore

import (
	"context"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/storetest"
)

// TestStore runs the suite. After each of its tests, the counters must agree with
// the tables.
func TestStore(t *testing.T) {
	byDir := map[string]string{}
	storetest.Run(t, func(t testing.TB, dir string) bridge.Store {
		dsn, found := byDir[dir]
		if !found {
			dsn = newDatabase(t)
			byDir[dir] = dsn
			t.Cleanup(func() { checkCounters(t, dsn) })
		}
		return open(t, dsn)
	})
}

func checkCounters(t testing.TB, dsn string) {
	t.Helper()
	conn := connect(t, dsn)
	defer func() { _ = conn.Close(context.Background()) }()
	var want, got bridge.Backlog
	err := conn.QueryRow(context.Background(), `SELECT
		(SELECT count(*) FROM invitebridge.invitations WHERE state = 'pending'),
		(SELECT count(*) FROM invitebridge.messages WHERE state = 'queued'),
		(SELECT sum(pending) FROM invitebridge.counters), (SELECT sum(queued) FROM invitebridge.counters)`).
		Scan(&want.Pending, &want.Queued, &got.Pending, &got.Queued)
	if err != nil {
		t.Error(err)
	}
	if got != want {
		t.Errorf("the counters are %+v, the tables have %+v", got, want)
	}
}
