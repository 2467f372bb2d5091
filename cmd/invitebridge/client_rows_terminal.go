package main

import (
	"bytes"
	"io"
	"strings"
	"unicode"
)

// terminalWriter passes text on to a terminal, without what a terminal would interpret.
// Files get it as it is.
type terminalWriter struct {
	out  io.Writer
	rest []byte // of an incomplete line
}

func (w *terminalWriter) Write(p []byte) (int, error) {
	end := bytes.LastIndexByte(p, '\n') + 1
	if end == 0 {
		w.rest = append(w.rest, p...)
		return len(p), nil
	}
	text := append(w.rest, p[:end]...)
	w.rest = bytes.Clone(p[end:])
	if _, err := io.WriteString(w.out, forTerminal(string(text))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush writes an incomplete last line.
func (w *terminalWriter) flush() error {
	_, err := io.WriteString(w.out, forTerminal(string(w.rest)))
	w.rest = nil
	return err
}

// forTerminal is printable for lines of any text. It drops byte order marks.
func forTerminal(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r != '\ufeff':
			out.WriteString(printable(string(r)))
		}
	}
	return out.String()
}
