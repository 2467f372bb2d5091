package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// rowFile is a file of rows that is being imported.
type rowFile struct {
	name      string // for people
	path      string // empty: standard input
	mediaType string
	size      int64 // -1: unknown
	in        io.Reader
	close     func() error
}

const stdinName = "standard input"

// openRows opens a file, or standard input if path is -. format is one of rowFormats;
// empty: it is recognized.
//
// Errors: the file is missing, a directory or empty.
func openRows(ctx context.Context, path string, stdin io.Reader, format string) (*rowFile, error) {
	f := &rowFile{name: path, path: path, size: -1, close: func() error { return nil }}
	if path == "-" {
		if stdin == nil {
			return nil, errors.New(stdinName + " is closed")
		}
		f.name, f.path, f.in = stdinName, "", stdin
	} else if err := f.open(); err != nil {
		return nil, err
	}
	if format == "" {
		format = formatByName(path)
	}
	if format == "" {
		var err error
		if format, err = f.recognize(ctx); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	f.mediaType = mediaTypes[format]
	return f, nil
}

func (f *rowFile) open() error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a directory", f.path)
	case info.Mode().IsRegular() && info.Size() == 0:
		err = fmt.Errorf("%s is empty", f.path)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.in, f.close = file, file.Close
	if info.Mode().IsRegular() {
		f.size = info.Size()
	}
	return nil
}

// Close closes the file.
func (f *rowFile) Close() error { return f.close() }

// formatByName returns the format that the ending of a name stands for; empty: unknown.
func formatByName(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv", ".txt":
		return formatCSV
	case ".ndjson", ".jsonl":
		return formatNDJSON
	}
	return ""
}

// recognize returns the format by the first character.
func (f *rowFile) recognize(ctx context.Context) (string, error) {
	const head = 512
	in := bufio.NewReaderSize(f.in, head)
	begin, isFile := int64(0), false
	if seeker, ok := f.in.(io.Seeker); ok {
		var err error
		begin, err = seeker.Seek(0, io.SeekCurrent)
		isFile = err == nil
	}
	first, err := peek(ctx, in, head)
	if err != nil {
		return "", err
	}
	if first = bytes.TrimSpace(bytes.TrimPrefix(first, []byte("\ufeff"))); len(first) == 0 {
		return "", fmt.Errorf("%s is empty", f.name)
	}
	if !isFile {
		f.in = in
	} else if _, err := f.in.(io.Seeker).Seek(begin, io.SeekStart); err != nil {
		return "", err
	}
	if first[0] == '{' {
		return formatNDJSON, nil
	}
	return formatCSV, nil
}

// peek returns what is there of the next n bytes. Reading from a terminal cannot be
// interrupted: the reading goroutine then ends with the process.
func peek(ctx context.Context, in *bufio.Reader, n int) ([]byte, error) {
	type result struct {
		head []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		_, err := in.Peek(1)
		head, _ := in.Peek(min(n, in.Buffered()))
		read <- result{slices.Clone(head), err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-read:
		if errors.Is(r.err, io.EOF) {
			r.err = nil
		}
		return r.head, r.err
	}
}
