package importfile_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/importfile"
)

// readAll returns the rows as "line body", separated by spaces, with the error of a row
// behind it, and the error that ended the file.
func readAll(r io.Reader, format importfile.Format) (rows []string, _ importfile.Layout, _ error) {
	reader, err := importfile.NewReader(r, format)
	if err != nil {
		return nil, importfile.Layout{}, err
	}
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return rows, reader.Layout(), nil
		} else if err != nil {
			return rows, reader.Layout(), err
		}
		text := fmt.Sprintf("%d %s", row.Line, row.Body)
		if row.Err != nil {
			text += " " + refusal(row.Err)
		}
		rows = append(rows, text)
	}
}

// refusal returns the reason of a row's own error.
func refusal(err error) string {
	var e *bridge.Error
	if !errors.As(err, &e) || !errors.Is(err, bridge.ErrBadRequest) {
		return fmt.Sprintf("(not a bad_request: %v)", err)
	}
	return e.Reason
}

// expect is what a file becomes: its rows, or the error after them.
type expect struct {
	file string
	rows string // separated by line feeds
	line int    // of the error; 0: none
	text string // of the error
}

func (e expect) check(t *testing.T, format importfile.Format) {
	t.Helper()
	rows, _, err := readAll(strings.NewReader(e.file), format)
	if got := strings.Join(rows, "\n"); got != e.rows {
		t.Errorf("got  %s\nwant %s", got, e.rows)
	}
	if e.line == 0 {
		if err != nil {
			t.Errorf("got the error %v", err)
		}
		return
	}
	line, reason := invalid(t, err)
	if line != e.line || !strings.Contains(reason, e.text) {
		t.Errorf("got %q with line %d, want %q with line %d", reason, line, e.text, e.line)
	}
}

// invalid returns the line and the reason of a bridge.ErrImportInvalid, which has the line
// in both places.
func invalid(tb testing.TB, err error) (line int, reason string) {
	tb.Helper()
	var e *bridge.Error
	if !errors.As(err, &e) || !errors.Is(err, bridge.ErrImportInvalid) || e.Kind != bridge.KindInvalid {
		tb.Fatalf("got %v, want an import_invalid", err)
	}
	line, _ = e.Extra["line"].(int)
	if line < 1 || !strings.HasPrefix(e.Reason, fmt.Sprintf("Line %d: ", line)) {
		tb.Fatalf("the detail is line %d, but the reason %q", line, e.Reason)
	}
	return line, e.Reason
}
