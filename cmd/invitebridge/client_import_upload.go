package main

import (
	"context"
	"errors"
	"io"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// importRows uploads a file, and prints the import, with follow once it has ended.
func importRows(ctx context.Context, s *session, file *rowFile, options httpapi.ImportOptions, follow bool) error {
	options.MediaType = file.mediaType
	progress := s.newProgress()
	upload := &uploadReader{Reader: file.in, file: file, progress: progress}
	v, err := s.client.Import(ctx, upload, options)
	if err != nil {
		progress.end()
		return s.explainUpload(ctx, err, options.IdempotencyKey)
	}
	if follow {
		return s.follow(ctx, v, progress, file)
	}
	progress.end()
	if err := printOne(s.presenter, v); err != nil {
		return err
	}
	if v.Counts.Failed > 0 {
		s.note("%s of %s rows have failed. %s shows them.", grouped(v.Counts.Failed), grouped(v.Rows), commandOf("list rows", v.ID)+" --result failed")
	}
	s.note("The rows are invited in the background. %s shows the progress.", commandOf("get import", v.ID)+" --follow")
	return nil
}

// explainUpload is explain for a failed upload. It says what the bridge has kept.
func (s *session) explainUpload(ctx context.Context, err error, key string) error {
	var lost *httpapi.UploadError
	if !errors.As(err, &lost) {
		return s.explain(err)
	}
	text := printable(err.Error())
	if ctx.Err() != nil {
		text = "interrupted"
	}
	if !lost.Complete {
		text += "; nothing of the file was kept"
		if hint := s.hint(err, nil); hint != "" && ctx.Err() == nil {
			text += "\n  hint: " + hint
		}
		return explained{err, text}
	}
	return explained{err, text + "; the whole file was sent, so the import may exist\n" +
		"  hint: repeat the command with --idempotency-key " + key + " to get that import instead of another one"}
}

// uploadReader shows how much of a file has been sent.
type uploadReader struct {
	io.Reader
	file     *rowFile
	progress *progress
	sent     int64
}

func (r *uploadReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.sent += int64(n)
	r.progress.showUpload(r.file.name, r.sent, r.file.size)
	return n, err
}

// Seek makes it possible to repeat an upload. It fails for a pipe.
func (r *uploadReader) Seek(offset int64, whence int) (int64, error) {
	seeker, ok := r.Reader.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	r.sent = 0
	return seeker.Seek(offset, whence)
}

// Pauses between two looks at an import. They grow while nothing changes.
const (
	shortPoll = 100 * time.Millisecond
	longPoll  = 5 * time.Second
	// unavailableFor is how long a bridge may be unavailable, as while it restarts.
	unavailableFor = 5 * time.Minute
)

// follow waits until an import ends or is paused, prints it, and writes the rows that
// failed beside file; nil: it does not write them.
func (s *session) follow(ctx context.Context, v bridge.ImportView, progress *progress, file *rowFile) error {
	progress.note("Import " + v.ID.String() + ": Ctrl-C ends this command, not the import.")
	v, err := s.await(ctx, v, progress)
	progress.end()
	if err != nil {
		if s.quiet || s.format != formatTable {
			err = errors.Join(printOne(s.presenter, v), err)
		}
		return err
	}
	if err := printOne(s.presenter, v); err != nil {
		return err
	}
	return s.importEnd(ctx, v, file)
}

// await returns an import when it no longer changes by itself, or as it was last seen.
func (s *session) await(ctx context.Context, v bridge.ImportView, progress *progress) (bridge.ImportView, error) {
	seen := time.Now()
	for pause := shortPoll; ; {
		progress.show(v)
		switch v.State {
		case bridge.ImportLoading, bridge.ImportRunning, bridge.ImportCanceling:
		case bridge.ImportPaused, bridge.ImportFinished, bridge.ImportCanceled:
			return v, nil
		}
		select {
		case <-ctx.Done():
			return v, interruptedFollow(v)
		case <-time.After(pause):
		}
		next, err := s.client.GetImport(ctx, v.ID)
		switch {
		case ctx.Err() != nil:
			return v, interruptedFollow(v)
		case err == nil:
			pause = nextPause(pause, next.UpdatedAt.Equal(v.UpdatedAt))
			v, seen = next, time.Now()
		case isTemporary(err) && time.Since(seen) < unavailableFor:
			pause = nextPause(pause, true)
			progress.unavailable(v)
		default:
			return v, s.explain(err)
		}
	}
}

func nextPause(pause time.Duration, unchanged bool) time.Duration {
	if !unchanged {
		return min(pause*2, time.Second)
	}
	return min(pause*2, longPoll)
}
