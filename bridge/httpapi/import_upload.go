package httpapi

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/importfile"
)

// Limits of uploads. A file has as much time as it needs, but no pause may be longer than
// uploadPause.
const (
	defaultImportSize = 256 << 20
	uploadPause       = 15 * time.Second
	maxImportRows     = 5_000_000
)

// createImport stores the rows of a file and starts the import. It responds when the
// whole file has arrived.
func (a *API) createImport(w http.ResponseWriter, r *http.Request) error {
	request, values, err := parseImport(r)
	if err != nil {
		return err
	}
	key := keyOf(r)
	if request.Idempotent, err = idempotencyKey(r, key.Name, "imports"); err != nil {
		return err
	}
	request.CreatedBy, request.Allow = key.Name, key.checkInvite
	i, err := a.receive(w, r, request, values)
	if err != nil {
		return err
	}
	annotate(r, func(n *requestNotes) { n.imported = i.ID.String() })
	w.Header().Set("Location", a.config.BasePath+"/imports/"+i.ID.String())
	writeJSON(w, http.StatusAccepted, a.service.ViewImport(i))
	return nil
}

// receive imports the file in the body.
func (a *API) receive(w http.ResponseWriter, r *http.Request, request bridge.ImportRequest, values url.Values) (bridge.Import, error) {
	format, err := fileFormat(r)
	if err != nil {
		return bridge.Import{}, err
	}
	if r.ContentLength > a.config.MaxImportSize {
		return bridge.Import{}, a.fileTooLarge(w)
	}
	if err := a.uploading.begin(request.CreatedBy); err != nil {
		return bridge.Import{}, err
	}
	defer a.uploading.end(request.CreatedBy)
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Time{}); err != nil {
		return bridge.Import{}, err
	}
	defer func() { _ = control.SetWriteDeadline(time.Now().Add(writeAllowance)) }() // if this fails, the response does too
	file := &upload{
		body: http.MaxBytesReader(w, r.Body, a.config.MaxImportSize), control: control, pause: a.uploadPause, digest: sha256.New(),
		tooLarge: func() error { return a.fileTooLarge(w) },
		allowed:  func() bool { key, ok := a.apiKey(r); return ok && key.may(ScopeImport) },
	}
	reader, err := importfile.NewReader(file, format)
	if err != nil {
		return bridge.Import{}, err
	}
	layout := reader.Layout()
	request.Columns, request.Separator = layout.Columns, layout.Separator
	request.Content = func() bridge.Digest {
		return sha256.Sum256(fmt.Appendf(file.digest.Sum(nil), "%s?%s", format, values.Encode()))
	}
	i, _, err := a.service.Import(r.Context(), request, eachRow(reader, a.config.MaxImportSize))
	return i, err
}

// maxStored bounds the rows as they are stored, in maximums of a file.
const maxStored = 4

// eachRow returns the source of rows for the domain.
func eachRow(reader *importfile.Reader, maxBytes int64) func() (bridge.FileRow, error) {
	rows, size := 0, int64(0)
	return func() (bridge.FileRow, error) {
		row, err := reader.Next()
		if err != nil {
			return bridge.FileRow{}, err
		}
		invalid := func(text string, args ...any) error {
			return bridge.ErrImportInvalid.WithReasonf("Line %d: %s", row.Line, fmt.Sprintf(text, args...)).WithDetails("line", row.Line)
		}
		if len(row.Body) > maxBodyBytes {
			return bridge.FileRow{}, invalid("the row is larger than %d KiB, the maximum of an invite.", maxBodyBytes>>10)
		}
		if rows++; rows > maxImportRows {
			return bridge.FileRow{}, invalid("the file has more than %d rows, the maximum. Split it.", maxImportRows)
		}
		// The names of many columns may be far longer than the cells below them.
		if size += int64(len(row.Body)); size > maxStored*maxBytes {
			return bridge.FileRow{}, invalid("the rows with the names of their columns are larger than %d times the maximum of a file. Split it.", maxStored)
		}
		return bridge.FileRow{Line: row.Line, Body: row.Body, Err: row.Err}, nil
	}
}

// fileFormat returns the format of the body.
//
// Errors: ErrUnsupportedMediaType.
func fileFormat(r *http.Request) (importfile.Format, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return "", bridge.ErrUnsupportedMediaType.WithReasonf("Send the file without Content-Encoding.")
	}
	switch format := importfile.Format(mediaType(r)); format {
	case importfile.CSV, importfile.NDJSON:
		return format, nil
	}
	return "", bridge.ErrUnsupportedMediaType.WithReasonf("Send the file in UTF-8, as Content-Type: %s or %s.", importfile.CSV, importfile.NDJSON)
}

// fileTooLarge is tooLarge for a file.
func (a *API) fileTooLarge(w http.ResponseWriter) error {
	_ = tooLarge(w)
	return bridge.ErrBodyTooLarge.WithReasonf("The file is larger than %d bytes, the maximum. Split it; the operator may raise import.max_size.", a.config.MaxImportSize)
}

// upload reads the body of an upload, and digests it.
type upload struct {
	body     io.Reader
	control  *http.ResponseController
	pause    time.Duration
	digest   hash.Hash
	tooLarge func() error // responds to a body that is too large
	allowed  func() bool  // whether the key may still import
}

// Read fails if nothing arrives for a while, or when the key has expired or was removed.
// Its errors are for the client.
func (u *upload) Read(p []byte) (int, error) {
	if err := u.control.SetReadDeadline(time.Now().Add(u.pause)); err != nil {
		return 0, err
	}
	n, err := u.body.Read(p)
	u.digest.Write(p[:n])
	if !u.allowed() {
		return 0, bridge.ErrUnauthorized
	}
	var exceeded *http.MaxBytesError
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		// From now on the server reads to notice that the client disconnects.
		if err := u.control.SetReadDeadline(time.Time{}); err != nil {
			return n, err
		}
		return n, io.EOF
	case errors.As(err, &exceeded):
		return n, u.tooLarge()
	}
	return n, bridge.ErrBadRequest.WithReasonf("The file did not arrive completely, or nothing of it arrived for %s. Nothing of it was kept. Send it again.", u.pause).WithCause(err)
}
