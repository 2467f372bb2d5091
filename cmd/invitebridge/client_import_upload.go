package main

import (
	"context"
	"errors"
	"io"
	"strings"

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
	done := "invited"
	if v.DryRun {
		done = "judged"
	}
	s.note("The rows are %s in the background. %s shows the progress.", done, commandOf("get import", v.ID)+" --follow")
	return nil
}

// explainUpload is explain for a failed upload. It says what the bridge has kept.
func (s *session) explainUpload(ctx context.Context, err error, key string) error {
	var lost *httpapi.UploadError
	if !errors.As(err, &lost) {
		return s.explain(err)
	}
	text := strings.TrimSuffix(printable(err.Error()), ".")
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
