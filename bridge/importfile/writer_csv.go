package importfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// csvResults writes a report as CSV.
type csvResults struct {
	w       *csv.Writer
	header  *header
	cells   []string // of the last row
	pending []byte   // the byte order mark, until the first write
	out     io.Writer
}

func newCSVResults(w io.Writer, layout Layout) (*csvResults, error) {
	names := slices.Concat(reportColumns, layout.Columns, []string{rowColumn})
	h, err := newHeader(names, 1)
	if err != nil {
		return nil, fmt.Errorf("the layout is invalid: %w", err)
	}
	c := &csvResults{w: csv.NewWriter(w), out: w, header: h, cells: make([]string, len(names)), pending: byteOrderMark}
	if layout.Separator != "" {
		if len(layout.Separator) != 1 || !strings.Contains(separators, layout.Separator) {
			return nil, errors.New("the layout has an unknown separator")
		}
		c.w.Comma = rune(layout.Separator[0])
	}
	for i, column := range h.columns {
		c.cells[i] = column.name
	}
	return c, nil
}

// begin writes the byte order mark and the names of the columns, once.
func (c *csvResults) begin() error {
	if c.pending == nil {
		return nil
	}
	if _, err := c.out.Write(c.pending); err != nil {
		return err
	}
	c.pending = nil
	return c.w.Write(c.cells)
}

func (c *csvResults) write(r Result, body []byte) error {
	if err := c.begin(); err != nil {
		return err
	}
	clear(c.cells)
	if !c.fill(&c.header.body, body) {
		clear(c.cells)
		c.cells[c.header.whole] = string(body)
	}
	c.cells[0] = strconv.Itoa(r.Line)
	for i, value := range []string{r.Result, r.InvitationID, r.ErrorID, r.Reason} {
		c.cells[1+i] = escape(value)
	}
	if r.DuplicateOf > 0 {
		c.cells[5] = strconv.Itoa(r.DuplicateOf)
	}
	return c.w.Write(c.cells)
}

// fill puts the members of an object into cells. It reports whether a Reader gets
// the same body from them.
func (c *csvResults) fill(n *node, object []byte) bool {
	return eachMember(object, func(name string, value []byte) bool {
		m := n.member(name)
		switch {
		case m == nil:
			return false
		case m.column < 0:
			return value[0] == '{' && len(value) > len("{}") && c.fill(m, value)
		case c.cells[m.column] != "": // a repeated name
			return false
		}
		cell, ok := toCell(c.header.columns[m.column].kind, value)
		c.cells[m.column] = cell
		return ok
	})
}

// toCell returns the cell of a value, and whether a Reader gets the same value from it.
func toCell(k kind, value []byte) (cell string, ok bool) {
	switch {
	case k == jsonCell:
		return string(value), true
	case k == boolean && (value[0] == 't' || value[0] == 'f'):
		return string(value), true
	case value[0] != '"':
		return "", false
	}
	content := parseText(value)
	if word := strings.TrimSpace(content); k == boolean && (word == "" || strings.EqualFold(word, "true") || strings.EqualFold(word, "false")) {
		return "", false
	}
	same := bytes.IndexByte(value, '\\') < 0 || bytes.Equal(appendText(nil, content), value)
	return escape(content), same && content != "" && !strings.Contains(content, "\r\n") && strings.IndexByte(content, 0) < 0
}

func (c *csvResults) flush() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}
