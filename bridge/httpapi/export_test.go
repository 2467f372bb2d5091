package httpapi

import (
	"net/netip"
	"time"

	"invitebridge/bridge"
)

// StatusCodes returns the HTTP status of each error kind.
func StatusCodes() map[bridge.Kind]int {
	codes := make(map[bridge.Kind]int)
	for kind, status := range statuses {
		codes[kind] = status.code
	}
	return codes
}

// SimulateClients counts one request from each of n addresses in the limiter.
func SimulateClients(a *API, n int) {
	for i := range n {
		a.limits.take(clientNetwork(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})), a.config.RateLimit, time.Now())
	}
}

// SetBackupTime changes how long a client may take for a backup at any rate.
func SetBackupTime(a *API, d time.Duration) { a.backupTime = d }

// BackupDeadline returns how long a client has for the next write, given the
// number of bytes read so far and the time since the start.
func BackupDeadline(read int64, after time.Duration) time.Duration {
	now := time.Now()
	d := &backupWriter{backupTime: backupTime, startedAt: now.Add(-after), written: read}
	return d.deadline(now).Sub(now)
}

// SetUploadPause changes how long an upload may pause.
func SetUploadPause(a *API, d time.Duration) { a.uploadPause = d }

// SetRetryPause changes the pause before the first repetition of an upload.
func SetRetryPause(c *Client, d time.Duration) { c.retryPause = d }
