package importfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// lines reads lines of UTF-8 text without NUL characters, of at most maxRow bytes.
type lines struct {
	r    *bufio.Reader
	n    int    // the number of the last line
	long []byte // a line that is longer than the buffer of r
}

// newLines returns the lines of r, without a byte order mark.
//
// Errors: bridge.ErrImportInvalid for a file that is not UTF-8 text, and those of r.
func newLines(r io.Reader) (*lines, error) {
	l := &lines{r: bufio.NewReaderSize(r, 64<<10)}
	head, err := l.r.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	text := bytes.TrimPrefix(head, byteOrderMark)
	if wrong := recognize(text); wrong != "" {
		return nil, fault(1, "%s", wrong)
	}
	_, err = l.r.Discard(len(head) - len(text))
	return l, err
}

// next returns the next line with its line feed, which the last one may not have.
// The line is valid until the next call.
//
// Errors: io.EOF, bridge.ErrImportInvalid, and those of the underlying reader.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) && len(l.long) <= maxRow {
			line, err = l.r.ReadSlice('\n')
			l.long = append(l.long, line...)
		}
		line = l.long
	}
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, err
	}
	l.n++
	switch {
	case bytes.IndexByte(line, 0) >= 0:
		return nil, fault(l.n, "there is a NUL character. %s", saveAsUTF8)
	case len(line) > maxRow && bytes.IndexByte(line, '\r') >= 0 && err != nil:
		return nil, fault(l.n, carriageReturns)
	case len(line) > maxRow:
		return nil, fault(l.n, "the line is longer than 1 MiB, the maximum of a row.")
	case !utf8.Valid(line):
		return nil, fault(l.n, "the text is not UTF-8. %s", saveAsUTF8)
	}
	return line, nil
}

// isBlank reports whether a line or cell has nothing but blanks.
func isBlank[T []byte | string](text T) bool {
	for i := range len(text) {
		if c := text[i]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}
