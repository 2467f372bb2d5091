package importfile

import (
	"bufio"
	"encoding/json"
	"io"
)

// ndjsonResults writes a report as NDJSON.
type ndjsonResults struct {
	w       *bufio.Writer
	encoder *json.Encoder
}

// resultLine is a line of a report.
type resultLine struct {
	Line         int             `json:"line"`
	Result       string          `json:"result,omitempty"`
	InvitationID string          `json:"invitation_id,omitempty"`
	ErrorID      string          `json:"error_id,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	DuplicateOf  int             `json:"duplicate_of,omitempty"`
	Row          json.RawMessage `json:"row"`
}

func newNDJSONResults(w io.Writer) *ndjsonResults {
	n := &ndjsonResults{w: bufio.NewWriterSize(w, 32<<10)}
	n.encoder = json.NewEncoder(n.w)
	n.encoder.SetEscapeHTML(false)
	return n
}

func (n *ndjsonResults) write(r Result, body []byte) error {
	return n.encoder.Encode(resultLine{
		Line: r.Line, Result: r.Result, InvitationID: r.InvitationID, ErrorID: r.ErrorID, Reason: r.Reason,
		DuplicateOf: r.DuplicateOf, Row: body,
	})
}

func (n *ndjsonResults) flush() error { return n.w.Flush() }
