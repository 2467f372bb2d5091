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
	// maxResponse is how much of a response body is read, in bytes.
	maxResponse = 64 << 10
	// drainTime bounds reading a response body that is not needed. It is read only
	// so that the connection can be reused.
	drainTime = 250 * time.Millisecond
)

// result is the response to one request.
type result struct {
	status int
	header http.Header
	body   []byte // nil if it was not needed, longer than maxResponse or incomplete
}

// exchange sends one request and waits for the response until ctx ends or the
// deadline has passed. needsBody reports for which statuses the body is read; nil:
// for none. Errors may quote secrets: callers must pass them through errorText.
func (h *hook) exchange(ctx context.Context, deadline time.Time, id string, at time.Time, body []byte, needsBody func(status int) bool) (result, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var seen tlsfault.Observer
	// The transport itself, not a client: it follows no redirects, keeps no
	// cookies and puts no URL into its errors.
	response, err := h.transport.RoundTrip(h.newRequest(seen.Attach(ctx), id, at, body))
	if err != nil {
		return result{}, seen.Explain(err)
	}
	a := result{status: response.StatusCode, header: response.Header}
	switch {
	case needsBody != nil && needsBody(a.status):
		a.body = read(response.Body)
	case response.Body != http.NoBody:
		stop := time.AfterFunc(drainTime, cancel)
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxResponse))
		stop.Stop()
	}
	// Before Close, which would otherwise go on reading an endless body.
	cancel()
	_ = response.Body.Close()
	return a, nil
}

// newRequest returns a signed copy of h.request.
func (h *hook) newRequest(ctx context.Context, id string, at time.Time, body []byte) *http.Request {
	request := h.request.WithContext(ctx)
	request.Header = h.header.Clone()
	h.signer.sign(request.Header, id, at, body)
	request.ContentLength = int64(len(body))
	// The transport calls it again if the server has closed the connection before
	// a byte was sent.
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	request.Body, _ = request.GetBody()
	return request
}

func read(body io.Reader) []byte {
	content, err := io.ReadAll(io.LimitReader(body, maxResponse+1))
	if err != nil || len(content) > maxResponse {
		return nil
	}
	return content
}
