package httpapi

import (
	"net/netip"
	"time"

	"invitebridge/bridge"
)

// Codes gives the table of codes.
func Codes() map[bridge.Kind]int {
	codes := make(map[bridge.Kind]int)
	for kind, status := range statuses {
		codes[kind] = status.code
	}
	return codes
}

// Flood has the limiter count a request from each of n addresses.
func Flood(a *API, n int) {
	for i := range n {
		a.limits.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), time.Now())
	}
}

// SetBackupTime changes how long a client of a backup has at any pace.
func SetBackupTime(a *API, d time.Duration) { a.backupTime = d }

// BackupDeadline is until when a client must have read the next piece that has
// read so many bytes so long after it began.
func BackupDeadline(read int64, after time.Duration) time.Duration {
	now := time.Now()
	d := &download{backupTime: backupTime, since: now.Add(-after), written: read}
	return d.deadline(now).Sub(now)
}
