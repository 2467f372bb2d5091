package metrics

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestCollectDatabase: the figures of the pool, and a counter for each cause, also
// one that has not occurred.
func TestCollectDatabase(t *testing.T) {
	want := `
		# HELP invitebridge_store_connection_wait_seconds_total How long transactions waited for a connection.
		# TYPE invitebridge_store_connection_wait_seconds_total counter
		invitebridge_store_connection_wait_seconds_total 1.5
		# HELP invitebridge_store_connection_waits_total How often no connection was idle, so that a transaction had to wait for one.
		# TYPE invitebridge_store_connection_waits_total counter
		invitebridge_store_connection_waits_total 4
		# HELP invitebridge_store_connections Connections to the database: acquired by a transaction, or idle.
		# TYPE invitebridge_store_connections gauge
		invitebridge_store_connections{state="acquired"} 3
		invitebridge_store_connections{state="idle"} 2
		# HELP invitebridge_store_connections_max The most connections that this replica opens: max_conns in dsn.
		# TYPE invitebridge_store_connections_max gauge
		invitebridge_store_connections_max 8
		# HELP invitebridge_store_retries_total Transactions that were tried again, by cause. Each deadlock_detected is a defect of the bridge.
		# TYPE invitebridge_store_retries_total counter
		invitebridge_store_retries_total{cause="connection"} 0
		invitebridge_store_retries_total{cause="deadlock_detected"} 1
	`
	err := testutil.GatherAndCompare(everything().registry, strings.NewReader(want),
		"invitebridge_store_connection_wait_seconds_total", "invitebridge_store_connection_waits_total", "invitebridge_store_connections",
		"invitebridge_store_connections_max", "invitebridge_store_retries_total")
	if err != nil {
		t.Error(err)
	}
}
