package importfile

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// separators are the recognized separators; the first one wins a tie.
const separators = ",;\t"

var separatorNames = map[byte]string{',': "commas", ';': "semicolons", '\t': "tabs"}

// readFirstLine returns the first line that has a name, and the separator.
func readFirstLine(in *lines) ([]byte, byte, error) {
	var given byte // by a line that only Excel writes and reads
	for {
		line, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, 0, fault(max(in.n, 1), "the file is empty. %s", firstLine)
		case err != nil:
			return nil, 0, err
		case len(bytes.Trim(line, separators+"\" \r\n")) == 0:
			continue
		}
		if start := bytes.TrimSpace(line); bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("[")) {
			return nil, 0, fault(in.n, "this is JSON, not CSV. Send one object per line, as Content-Type: %s.", NDJSON)
		}
		declared := bytes.TrimRight(line, "\r\n")
		if len(declared) == len("sep=,") && bytes.EqualFold(declared[:4], []byte("sep=")) && strings.IndexByte(separators, declared[4]) >= 0 {
			given = declared[4]
			continue
		}
		if given == 0 {
			given = detect(line)
		}
		return line, given, nil
	}
}

// detect returns the separator that a line has most of outside quotation marks.
func detect(line []byte) byte {
	var counts [len(separators)]int
	quoted := false
	for _, c := range line {
		if c == '"' {
			quoted = !quoted
		} else if i := strings.IndexByte(separators, c); i >= 0 && !quoted {
			counts[i]++
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return separators[best]
}

// records feeds a csv.Reader line by line, so that it reads nothing beyond the
// record at hand, and limits the record: a csv.Reader has no limits.
type records struct {
	lines     *lines
	separator byte
	pending   []byte // of the last line, not yet passed on
	first     int    // the line where the record begins; 0: no line of it was read
	size      int    // bytes of the record
	cells     int    // its separators outside quotation marks
	quoted    bool   // a quotation mark is open
	ended     bool   // there is no further line
}

// begin must be called before each record.
func (r *records) begin() {
	r.first, r.size, r.cells, r.quoted = 0, 0, 0, false
}

// line returns the line after n others of the record.
func (r *records) line(n int) int { return max(r.first, 1) + n }

// Read passes on at most one line.
func (r *records) Read(p []byte) (int, error) {
	for len(r.pending) == 0 || r.first == 0 {
		if len(r.pending) == 0 {
			line, err := r.lines.next()
			if err != nil {
				r.ended = true
				return 0, err
			}
			r.pending = line
		}
		if r.first == 0 && isBlank(r.pending) {
			r.pending = nil
			continue
		}
		if err := r.account(r.pending); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

// account adds a line to the record.
func (r *records) account(line []byte) error {
	if r.first == 0 {
		r.first = r.lines.n
	}
	if r.size += len(line); r.size > maxRow {
		return fault(r.first, "the row is longer than 1 MiB. A quotation mark may not be closed.")
	}
	// Counting those in quotation marks too is faster, and exact enough below the
	// limit.
	n := bytes.Count(line, []byte{r.separator})
	if r.quoted || r.cells+n >= maxCells {
		n = outside(line, r.separator, r.quoted)
	}
	r.cells += n
	if r.cells >= maxCells {
		return fault(r.lines.n, "the row has more than %d cells.", maxCells)
	}
	r.quoted = r.quoted != (bytes.Count(line, []byte{'"'})%2 == 1)
	return nil
}

// outside counts the separators outside quotation marks.
func outside(line []byte, separator byte, quoted bool) (n int) {
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			n++
		}
	}
	return n
}
