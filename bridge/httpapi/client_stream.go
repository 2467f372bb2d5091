package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"invitebridge/bridge"
)

// An upload is attempted uploadAttempts times in all. The first pause is enough for
// the bridge to notice that a connection was lost: until then, it counts the upload as
// one in progress.
const (
	uploadAttempts   = 4
	uploadRetryPause = 2 * time.Second
	maxUploadPause   = time.Minute // of those that the bridge asks for
)

// UploadError is an upload to which the bridge did not respond. Then Err is that of the
// last attempt, which may be an [*Error]: the bridge may have refused a repetition for a
// reason that passes.
type UploadError struct {
	Err error
	// Complete reports whether any attempt sent the whole file, so that the import may
	// exist. Otherwise the bridge has kept nothing.
	Complete bool
}

func (e *UploadError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UploadError) Unwrap() error { return e.Err }

// Import uploads rows, and returns the import when all of them are stored. It has no
// timeout of its own. With an IdempotencyKey and a file that is an [io.Seeker], an
// upload that failed for a reason that may pass is repeated, up to three times.
//
// Errors: [*Error] if the bridge refuses the file, [*UploadError] if it did not respond
// to the last attempt, or to an earlier one that sent the whole file.
func (c *Client) Import(ctx context.Context, file io.Reader, o ImportOptions) (bridge.ImportView, error) {
	size, rewind := measure(file)
	pause, sent := c.retryPause, false
	for attempt := 1; ; attempt++ {
		v, err := c.upload(ctx, file, size, o)
		sent, err = afterEarlier(sent, err)
		wait, passes := mayPass(err, pause)
		if !passes || attempt == uploadAttempts || o.IdempotencyKey == "" || rewind == nil || ctx.Err() != nil {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, err
		case <-time.After(wait):
		}
		if failure := rewind(); failure != nil {
			return v, errors.Join(err, failure)
		}
		pause *= 2
	}
}

// afterEarlier returns the error of an attempt, if earlier is whether one before it sent
// the whole file and got no response; sent is the same including this attempt. A file that
// is refused now was refused before. After any other error, as of a key that has expired
// meanwhile, the earlier attempt may have created the import.
func afterEarlier(earlier bool, err error) (sent bool, _ error) {
	var lost *UploadError
	var refused *Error
	switch {
	case errors.As(err, &lost):
		sent = earlier || lost.Complete
		return sent, &UploadError{Err: lost.Err, Complete: sent}
	case earlier && errors.As(err, &refused) && refused.Status != http.StatusBadRequest:
		return true, &UploadError{Err: err, Complete: true}
	}
	return earlier, err
}

// measure returns the number of bytes that are left in a file, and a function that
// returns to its present position. For another reader, size is -1 and rewind is nil.
func measure(file io.Reader) (size int64, rewind func() error) {
	seeker, ok := file.(io.Seeker)
	if !ok {
		return -1, nil
	}
	begin, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil { // a pipe
		return -1, nil
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return -1, nil
	}
	rewind = func() error { _, err := seeker.Seek(begin, io.SeekStart); return err }
	if rewind() != nil {
		return -1, nil
	}
	return end - begin, rewind
}

// mayPass reports whether a repetition may succeed after a pause.
func mayPass(err error, pause time.Duration) (wait time.Duration, passes bool) {
	var refused *Error
	switch {
	case err == nil:
		return 0, false
	case !errors.As(err, &refused):
		return pause, true
	}
	switch refused.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return max(pause, refused.RetryAfter), refused.RetryAfter <= maxUploadPause
	}
	return 0, false
}

func (c *Client) upload(ctx context.Context, file io.Reader, size int64, o ImportOptions) (v bridge.ImportView, err error) {
	r, err := c.request(ctx, http.MethodPost, "/imports", o.values(), nil)
	if err != nil {
		return v, err
	}
	if size < 0 {
		in := newInterruptible(ctx, file)
		defer func() { _ = in.Close() }()
		file = in
	}
	body := &uploadBody{Reader: file}
	r.Body, r.GetBody, r.ContentLength = io.NopCloser(body), nil, size
	r.Header.Set("Content-Type", o.MediaType)
	r.Header.Set("Expect", "100-continue") // a request that is refused anyway does not send the file
	if o.IdempotencyKey != "" {
		r.Header.Set(idempotencyHeader, o.IdempotencyKey)
	}
	_, err = c.do(c.unbounded(), r, &v)
	if err == nil {
		return v, nil
	}
	complete := body.ended.Load()
	var refused *Error
	if errors.As(err, &refused) && (!complete || !byGateway(refused)) {
		return v, err
	}
	return v, &UploadError{Err: err, Complete: complete}
}

// byGateway reports whether a gateway responded because the bridge did not.
func byGateway(e *Error) bool {
	switch e.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return e.ID == ""
	}
	return false
}

// interruptible is a reader whose reads end with ctx, for a file such as a pipe, whose
// reads may block: net/http waits for the one that is in progress. That one may go on in
// the background. Nothing of the file is read before the first Read.
type interruptible struct {
	*io.PipeReader
	begin func()
	stop  func() bool
}

func newInterruptible(ctx context.Context, file io.Reader) interruptible {
	in, out := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = out.CloseWithError(context.Cause(ctx)) })
	begin := sync.OnceFunc(func() {
		go func() {
			_, err := io.Copy(out, file)
			_ = out.CloseWithError(err)
		}()
	})
	return interruptible{in, begin, stop}
}

func (i interruptible) Read(p []byte) (int, error) {
	i.begin()
	return i.PipeReader.Read(p)
}

func (i interruptible) Close() error {
	i.stop()
	return i.PipeReader.Close()
}

// uploadBody remembers whether the file was read to its end.
type uploadBody struct {
	io.Reader
	ended atomic.Bool
}

func (b *uploadBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil {
		b.ended.Store(errors.Is(err, io.EOF))
	}
	return n, err
}

// unbounded returns an HTTP client without a total timeout.
func (c *Client) unbounded() *http.Client {
	unbounded := *c.http
	unbounded.Timeout = 0
	return &unbounded
}

// download writes a response of a media type to w. An incomplete one is an error.
func (c *Client) download(r *http.Request, mediaType string, w io.Writer) (bytes int64, err error) {
	r.Header.Set("Accept", mediaType)
	res, err := c.unbounded().Do(r)
	if err != nil {
		return 0, c.requestError(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, maxResponseBytes+1))
		return 0, newError(res, text)
	}
	if media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || media != mediaType {
		return 0, unexpectedResponse(res, "The response is not "+mediaType+".")
	}
	bytes, err = io.Copy(w, res.Body)
	if err != nil {
		return bytes, fmt.Errorf("the response was cut off after %d bytes: %w", bytes, err)
	}
	return bytes, nil
}
