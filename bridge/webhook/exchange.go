package webhook

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"invitebridge/bridge/tlsfault"
)

const (
	// maxAnswer is how much of an answer's body is read, in bytes.
	maxAnswer = 64 << 10
	// drainTime is how long the rest of an answer nobody wants may take. Only
	// the connection's next use depends on it.
	drainTime = 250 * time.Millisecond
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte // where it was wanted; nil if it was longer than maxAnswer or cut off
}

// exchange sends one request and waits for its answer, until ctx ends or the
// hook's timeout has passed. wants says of which status the body is wanted.
// Errors may hold anything: they go through fault before anybody sees them.
func (h *hook) exchange(ctx context.Context, id string, at time.Time, body []byte, wants func(status int) bool) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	var seen tlsfault.Observer
	request, err := http.NewRequestWithContext(seen.Attach(ctx), h.method, h.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header = h.header.Clone()
	if err := h.signer.sign(request.Header, id, at, body); err != nil {
		return answer{}, err
	}
	// The transport itself, not a client: it follows no redirect, keeps no
	// cookie and puts no URL into its errors.
	response, err := h.transport.RoundTrip(request)
	if err != nil {
		return answer{}, seen.Explain(err)
	}
	a := answer{status: response.StatusCode, header: response.Header}
	if wants != nil && wants(a.status) {
		a.body = read(response.Body)
	} else {
		stop := time.AfterFunc(drainTime, cancel)
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
		stop.Stop()
	}
	// Ended first, a body without end is not read on by Close.
	cancel()
	_ = response.Body.Close()
	return a, nil
}

func read(body io.Reader) []byte {
	content, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil || len(content) > maxAnswer {
		return nil
	}
	return content
}
