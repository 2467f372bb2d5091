package httpapi

import (
	"context"
	"io"
	"mime"
	"net/http"
	"time"

	"invitebridge/bridge"
)

// Limits on how slowly a client may read a backup. While it reads, the store
// cannot reuse freed pages and therefore grows.
const (
	stallTimeout = 30 * time.Second // for each write
	backupTime   = 10 * time.Minute // for the whole backup
	backupRate   = 1 << 20          // bytes per second; a client at least this fast may exceed backupTime
)

const backupType = "application/octet-stream"

// backup streams a copy of the store, one at a time: the store cannot reuse freed
// pages while a backup is read.
func (a *API) backup(w http.ResponseWriter, r *http.Request) error {
	if !a.backingUp.TryLock() {
		return bridge.ErrTooManyRequests.WithReasonf("Another backup is in progress. Retry when it has finished.").WithRetryAfter(stallTimeout)
	}
	defer a.backingUp.Unlock()
	out := &backupWriter{w: w, name: time.Now().UTC().Format("invitebridge-20060102T150405Z.db"), backupTime: a.backupTime}
	err := a.service.Backup(r.Context(), out)
	if err != nil && out.started {
		noteError(r, publicError(err), err)
		panic(http.ErrAbortHandler) // an incomplete copy must not look complete
	}
	return err
}

// backupWriter writes the backup to the response. It sends the headers with the
// first byte, and fails if the client reads too slowly.
type backupWriter struct {
	w          http.ResponseWriter
	name       string
	backupTime time.Duration
	started    bool
	startedAt  time.Time // when it began
	written    int64
}

func (d *backupWriter) Write(p []byte) (int, error) {
	if !d.started {
		d.started, d.startedAt = true, time.Now()
		d.w.Header().Set("Content-Type", backupType)
		d.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.name}))
	}
	if err := http.NewResponseController(d.w).SetWriteDeadline(d.deadline(time.Now())); err != nil {
		return 0, err
	}
	n, err := d.w.Write(p)
	d.written += int64(n)
	return n, err
}

// deadline returns the time by which the next write must finish.
func (d *backupWriter) deadline(now time.Time) time.Time {
	atPace := time.Duration(d.written/backupRate) * time.Second
	end := d.startedAt.Add(max(d.backupTime, atPace))
	if piece := now.Add(stallTimeout); piece.Before(end) {
		return piece
	}
	return end
}

// Backup writes a copy of the bridge's store to w. It has no timeout of its own.
// An incomplete copy is an error.
func (c *Client) Backup(ctx context.Context, w io.Writer) (bytes int64, err error) {
	r, err := c.request(ctx, http.MethodGet, "/backup", nil, nil)
	if err != nil {
		return 0, err
	}
	return c.download(r, backupType, w)
}
