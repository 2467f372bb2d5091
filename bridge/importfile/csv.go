package importfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strconv"
	"strings"

	"invitebridge/bridge"
)

// csvRows are the rows of a CSV file.
type csvRows struct {
	in        *records
	csv       *csv.Reader
	separator string
	header    *header
	body      []byte // of the last row, before it is copied
}

// newCSVRows reads the names of the columns.
//
// Errors: bridge.ErrImportInvalid, and those of the underlying reader.
func newCSVRows(in *lines) (*csvRows, error) {
	first, separator, err := readFirstLine(in)
	if err != nil {
		return nil, err
	}
	c := &csvRows{in: &records{lines: in, pending: first, separator: separator}, separator: string(separator)}
	c.csv = csv.NewReader(c.in)
	c.csv.Comma, c.csv.FieldsPerRecord, c.csv.ReuseRecord = rune(separator), -1, true
	names, line, err := c.record()
	if err != nil {
		return nil, err
	}
	c.header, err = newHeader(names, line)
	return c, err
}

func (c *csvRows) layout() Layout {
	return Layout{Separator: c.separator, Columns: c.header.names()}
}

// record returns the cells of the next record, which are valid until the next call,
// and the line where it begins.
func (c *csvRows) record() ([]string, int, error) {
	c.in.begin()
	cells, err := c.csv.Read()
	if err == nil {
		return cells, c.in.first, nil
	}
	var damage *csv.ParseError
	switch {
	case !errors.As(err, &damage):
		return nil, 0, err
	case c.in.quoted && c.in.ended:
		return nil, 0, fault(c.in.first, "a quotation mark is not closed before the end of the file.")
	case errors.Is(damage, csv.ErrBareQuote):
		return nil, 0, fault(c.in.line(damage.Line-damage.StartLine), "there is a quotation mark within a cell. Enclose such a cell in quotation marks, and double those within it.")
	}
	return nil, 0, fault(c.in.line(damage.Line-damage.StartLine), "there is text behind a closing quotation mark. Double the quotation marks within a cell.")
}

func (c *csvRows) next() (Row, error) {
	for {
		cells, line, err := c.record()
		if err != nil {
			return Row{}, err
		}
		if areBlank(cells) {
			continue
		}
		if text, at := c.misplaced(cells); text != "" {
			return Row{}, fault(c.lineOf(at), "%s", text)
		}
		row, err := c.read(cells)
		row.Line = line
		return row, err
	}
}

// misplaced returns what is wrong with the number of cells, and a cell where it is.
func (c *csvRows) misplaced(cells []string) (wrong string, at int) {
	columns := c.header.columns
	for i, cell := range cells {
		switch {
		case i >= len(columns) && !isBlank(cell):
			return "there are " + strconv.Itoa(i+1) + " cells or more, but " + strconv.Itoa(len(columns)) + " columns. Enclose a cell that contains the separator in quotation marks.", i
		case i < len(columns) && columns[i].kind == unnamed && !isBlank(cell):
			return "the cell in column " + strconv.Itoa(i+1) + " has a value, but the column has no name on the first line.", i
		}
	}
	if len(cells) == 1 && len(columns) > 1 {
		for _, other := range separators {
			if string(other) != c.separator && strings.Count(cells[0], string(other)) >= len(columns)-1 {
				return "the cells are not separated as the names of the columns are, by " + separatorNames[c.separator[0]] + ".", 0
			}
		}
	}
	return "", 0
}

// lineOf returns the line where a cell of the last record begins.
func (c *csvRows) lineOf(cell int) int {
	start, _ := c.csv.FieldPos(0)
	at, _ := c.csv.FieldPos(cell)
	return c.in.line(at - start)
}

// read returns a row without its line.
//
// Errors: bridge.ErrImportInvalid.
func (c *csvRows) read(cells []string) (row Row, err error) {
	r := rowReader{header: c.header, cells: cells}
	body, _ := r.object(c.body[:0], &c.header.body)
	if whole := c.header.whole; whole >= 0 && whole < len(cells) && cells[whole] != "" {
		wrong := "there is a value in row:json and in another column. Leave either empty."
		if len(body) == len("{}") {
			body, wrong = r.whole(body[:0])
		}
		if wrong != "" {
			return Row{}, fault(c.lineOf(whole), "%s", wrong).WithDetails("column", c.header.columns[whole].name)
		}
	}
	if r.wrong != "" {
		row.Err = bridge.ErrBadRequest.WithReasonf("Line %d, column %s: %s", c.lineOf(r.at), shorten(c.header.columns[r.at].name), r.wrong)
	}
	c.body = body
	row.Body = bytes.Clone(body)
	return row, nil
}

func areBlank(cells []string) bool {
	for _, cell := range cells {
		if !isBlank(cell) {
			return false
		}
	}
	return true
}
