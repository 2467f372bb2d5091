package importfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"invitebridge/bridge/importfile"
)

// generated is a file of n rows that is made while it is read.
type generated struct {
	head, row string // row has a verb for the number of the row
	n, made   int
	pending   []byte
	size      int64
}

func (g *generated) Read(p []byte) (int, error) {
	for len(g.pending) < len(p) && g.made < g.n {
		if g.made == 0 {
			g.pending = append(g.pending, g.head...)
		}
		g.pending = fmt.Appendf(g.pending, g.row, g.made)
		g.made++
	}
	if len(g.pending) == 0 {
		return 0, io.EOF
	}
	n := copy(p, g.pending)
	g.pending = append(g.pending[:0], g.pending[n:]...)
	g.size += int64(n)
	return n, nil
}

// smallCSV and smallNDJSON have the same rows.
func smallCSV(n int) *generated {
	return &generated{n: n, head: "email,traits.name.first,traits.name.last,locale\r\n", row: "person%07d@example.com,Ada,\"Lovelace, Countess\",en\r\n"}
}

func smallNDJSON(n int) *generated {
	return &generated{n: n, row: `{"email":"person%07d@example.com","traits":{"name":{"first":"Ada","last":"Lovelace, Countess"}},"locale":"en"}` + "\n"}
}

// TestLargeFiles: a CSV file of 100 MB and an NDJSON file of 20 MB are read, and a
// report about some of their rows is written, in bounded memory.
func TestLargeFiles(t *testing.T) {
	const bound = 4 << 20
	note := strings.Repeat("x, ", 250)
	for format, file := range map[importfile.Format]*generated{
		importfile.CSV:    {n: 130_000, head: "email,traits.note\r\n", row: "person%d@example.com,\"" + note + "\"\r\n"},
		importfile.NDJSON: smallNDJSON(180_000),
	} {
		t.Run(string(format), func(t *testing.T) {
			r, err := importfile.NewReader(file, format)
			if err != nil {
				t.Fatal(err)
			}
			w, err := importfile.NewWriter(io.Discard, format, r.Layout())
			if err != nil {
				t.Fatal(err)
			}
			before, most, rows := liveHeap(), uint64(0), 0
			for {
				row, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				if rows%10 == 0 {
					if err := w.Write(importfile.Result{Line: row.Line, Result: "failed", ErrorID: "email_invalid", Reason: "no", Body: row.Body}); err != nil {
						t.Fatal(err)
					}
				}
				if rows++; rows%20_000 == 0 {
					most = max(most, liveHeap())
				}
			}
			if least := map[importfile.Format]int64{importfile.CSV: 100e6, importfile.NDJSON: 20e6}[format]; rows != file.n || file.size < least {
				t.Errorf("%d of %d rows, %d bytes", rows, file.n, file.size)
			}
			if most > before+bound {
				t.Errorf("the heap grew from %d to %d bytes", before, most)
			}
		})
	}
}

// liveHeap returns the bytes that are in use after a collection.
func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestHostileSizes: files that are one endless row end in an error after little
// more than the maximum of a row, and in bounded memory.
func TestHostileSizes(t *testing.T) {
	for name, file := range map[string]*generated{
		"one line":         {head: "email\n", row: "%08d"},
		"one cell":         {head: "email\n\"", row: "%08d\n"},
		"names":            {row: "n%08d,"},
		"cells":            {head: "email\n", row: ",%.0s"},
		"quotation marks":  {head: "email\n\"", row: "\"\"%.0s"},
		"carriage returns": {row: "email%08d\r"},
		"one object":       {head: "{\"a\":\"", row: "%08d"},
		"depth":            {head: "{\"a\":", row: "[%.0s"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, format := range []importfile.Format{importfile.CSV, importfile.NDJSON} {
				endless := *file
				endless.n = 1 << 40
				before := total()
				_, _, err := readAll(&endless, format)
				invalid(t, err)
				if endless.size > 3<<20 {
					t.Errorf("%s: %d bytes were read", format, endless.size)
				}
				if allocated := total() - before; allocated > 48<<20 {
					t.Errorf("%s: %d bytes were allocated", format, allocated)
				}
			}
		})
	}
}

func total() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestSlowReader: a row is returned when its line has arrived.
func TestSlowReader(t *testing.T) {
	file := smallCSV(100)
	var content bytes.Buffer
	if _, err := content.ReadFrom(iotest.OneByteReader(file)); err != nil {
		t.Fatal(err)
	}
	source := bytes.NewReader(content.Bytes())
	r, err := importfile.NewReader(iotest.OneByteReader(source), importfile.CSV)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if read, want := content.Len()-source.Len(), len(file.head)+10*len("person0000000@example.com,Ada,\"Lovelace, Countess\",en\r\n"); read != want {
		t.Errorf("%d bytes were read for ten rows, want %d", read, want)
	}
}
