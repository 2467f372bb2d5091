package httpapi

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"invitebridge/bridge"
)

// How long a client of a backup may take: for a piece of it, and for all. While
// it reads, nothing that others free is used again and the store grows.
const (
	stallTimeout = 30 * time.Second
	backupTime   = 10 * time.Minute
	backupRate   = 1 << 20 // bytes a second: who takes that much may go on after backupTime
)

const backupType = "application/octet-stream"

// backup streams a copy of the store. One at a time: the store holds on to what
// is freed while somebody reads all of it.
func (a *API) backup(w http.ResponseWriter, r *http.Request) error {
	if !a.backingUp.TryLock() {
		return bridge.ErrTooMany.Reasonf("A backup is being taken already. Try again when it has ended.").After(stallTimeout)
	}
	defer a.backingUp.Unlock()
	out := &download{w: w, name: time.Now().UTC().Format("invitebridge-20060102T150405Z.db"), backupTime: a.backupTime}
	err := a.service.Backup(r.Context(), out)
	if err != nil && out.begun {
		noteError(r, told(err), err)
		panic(http.ErrAbortHandler) // half a copy must not look like a whole one
	}
	return err
}

// download is an answer that begins with its first byte, and goes on as long as
// the client reads at a pace.
type download struct {
	w          http.ResponseWriter
	name       string
	backupTime time.Duration
	begun      bool
	since      time.Time // when it began
	written    int64
}

func (d *download) Write(p []byte) (int, error) {
	if !d.begun {
		d.begun, d.since = true, time.Now()
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

// deadline is until when the next piece must have been read.
func (d *download) deadline(now time.Time) time.Time {
	atPace := time.Duration(d.written/backupRate) * time.Second
	end := d.since.Add(max(d.backupTime, atPace))
	if piece := now.Add(stallTimeout); piece.Before(end) {
		return piece
	}
	return end
}

// Backup writes a copy of the bridge's store to w, however long that takes. A
// copy that was cut is an error.
func (c *Client) Backup(ctx context.Context, w io.Writer) (bytes int64, err error) {
	r, err := c.request(ctx, http.MethodGet, "/backup", nil, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept", backupType)
	unbounded := *c.http
	unbounded.Timeout = 0
	res, err := unbounded.Do(r)
	if err != nil {
		return 0, c.noAnswer(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes+1))
		return 0, newError(res, text)
	}
	if kind := res.Header.Get("Content-Type"); kind != backupType {
		return 0, unexpected(res, "The answer is no backup.")
	}
	bytes, err = io.Copy(w, res.Body)
	if err != nil {
		return bytes, fmt.Errorf("the backup was cut off after %d bytes: %w", bytes, err)
	}
	return bytes, nil
}
