package importfile

import (
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"invitebridge/bridge"
)

// Result is the result of a row, for a report.
type Result struct {
	Line         int    // of the row in the imported file
	Result       string // such as invited or failed
	InvitationID string
	ErrorID      string
	Reason       string
	DuplicateOf  int             // the line of the first row with the same address; 0: not a duplicate
	Body         json.RawMessage // of the [Row]
}

// Writer writes a report that [Reader] reads as the same bodies, except that the
// members of an object may change their order. It buffers: the report is complete
// after Flush. It is not safe for concurrent use.
type Writer struct {
	results interface {
		write(r Result, body []byte) error
		flush() error
	}
	body []byte // of the last result, compact
}

// NewWriter returns a Writer to w. A CSV report has the separator and the columns
// of the imported file. Its last column is row:json: it holds a body that does not
// fit into the other columns, such as one with a number in a column of texts, and
// each body if the layout has no columns. It starts with a byte order mark, without
// which Excel does not read UTF-8.
//
// Errors: ErrUnsupportedMediaType for an unknown format, and others for a layout
// that no Reader returned.
func NewWriter(w io.Writer, format Format, layout Layout) (*Writer, error) {
	switch format {
	case CSV:
		results, err := newCSVResults(w, layout)
		if err != nil {
			return nil, err
		}
		return &Writer{results: results}, nil
	case NDJSON:
		return &Writer{results: newNDJSONResults(w)}, nil
	}
	return nil, bridge.ErrUnsupportedMediaType.WithReasonf("Reports are available as %s and as %s.", CSV, NDJSON)
}

// Write writes a result.
//
// Errors: those of the underlying writer, and one for a body that is not a JSON
// object in UTF-8.
func (w *Writer) Write(r Result) (err error) {
	if w.body, err = appendCompact(w.body[:0], r.Body); err != nil {
		return err
	}
	if w.body[0] != '{' || !utf8.Valid(w.body) {
		return errors.New("the body is not a JSON object in UTF-8")
	}
	return w.results.write(r, w.body)
}

// Flush writes what is buffered, and the names of the columns if there is no
// result.
//
// Errors: those of the underlying writer.
func (w *Writer) Flush() error { return w.results.flush() }
