package importfile

import (
	"encoding/json"
	"errors"
	"io"

	"invitebridge/bridge"
)

// Format is the format of a file, named by its media type.
type Format string

// The formats.
const (
	CSV    Format = "text/csv"
	NDJSON Format = "application/x-ndjson"
)

// The limits for a file.
const (
	maxRow     = 1 << 20 // bytes of a row or line
	maxColumns = 256
	maxName    = 256            // bytes of the name of a column, which each row repeats
	maxCells   = 2 * maxColumns // of a row, with empty ones and those of a report
)

// Row is one row of a file.
type Row struct {
	Line int             // where the row begins; the first line of the file is 1
	Body json.RawMessage // the request body of an invite: a compact JSON object
	// Err is why no invite can be made from the row: a [bridge.ErrBadRequest] about a cell,
	// whose text Body has instead of its value.
	Err error
}

// Layout is how a CSV file was arranged. A report about the file needs it, and it
// may be stored as JSON until then. The zero value is for reports about a file
// that was not CSV.
type Layout struct {
	Separator string   `json:"separator,omitempty"` // empty: a comma
	Columns   []string `json:"columns,omitempty"`   // the canonical names, without row:json and the columns of reports
}

// Reader reads a file row by row. It is not safe for concurrent use.
type Reader struct {
	rows interface {
		next() (Row, error) // io.EOF at the end
		layout() Layout
	}
	any bool  // a row was read
	err error // of the last call; final
}

// NewReader returns a Reader of r, once it has read the names of the columns. It
// reads ahead of the rows it has returned.
//
// Errors: [bridge.ErrImportInvalid], ErrUnsupportedMediaType for another format, and
// those of r as they are.
func NewReader(r io.Reader, format Format) (*Reader, error) {
	in, err := newLines(r)
	if err != nil {
		return nil, err
	}
	switch format {
	case CSV:
		rows, err := newCSVRows(in)
		if err != nil {
			return nil, err
		}
		return &Reader{rows: rows}, nil
	case NDJSON:
		return &Reader{rows: &ndjsonRows{in: in}}, nil
	}
	return nil, bridge.ErrUnsupportedMediaType.WithReasonf("Send the file as Content-Type: %s or %s.", CSV, NDJSON)
}

// Layout returns the arrangement of a CSV file, and the zero value for another.
func (r *Reader) Layout() Layout { return r.rows.layout() }

// Next returns the next row. The caller owns its body. After an error every call
// returns the same error.
//
// Errors: [io.EOF] at the end, [bridge.ErrImportInvalid], also for a file without rows,
// and those of the underlying reader as they are.
func (r *Reader) Next() (Row, error) {
	if r.err != nil {
		return Row{}, r.err
	}
	row, err := r.rows.next()
	if errors.Is(err, io.EOF) && !r.any {
		err = fault(1, "the file has no rows. Below the names of the columns, each line is one person to invite; in NDJSON every line is.")
	}
	r.any, r.err = true, err
	return row, err
}
