package importfile_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"invitebridge/bridge/importfile"
)

// BenchmarkReader measures one row.
func BenchmarkReader(b *testing.B) {
	for format, file := range map[importfile.Format]func(int) *generated{importfile.CSV: smallCSV, importfile.NDJSON: smallNDJSON} {
		b.Run(string(format), func(b *testing.B) {
			content, err := io.ReadAll(file(10_000))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(content)) / 10_000)
			b.ReportAllocs()
			r := newReader(b, content, format)
			for b.Loop() {
				_, err := r.Next()
				if errors.Is(err, io.EOF) {
					r = newReader(b, content, format)
				} else if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkWriter measures one result.
func BenchmarkWriter(b *testing.B) {
	for _, format := range []importfile.Format{importfile.CSV, importfile.NDJSON} {
		b.Run(string(format), func(b *testing.B) {
			r, err := importfile.NewReader(smallCSV(1), importfile.CSV)
			if err != nil {
				b.Fatal(err)
			}
			row, err := r.Next()
			if err != nil {
				b.Fatal(err)
			}
			w, err := importfile.NewWriter(io.Discard, format, r.Layout())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(importfile.Result{Line: row.Line, Result: "failed", ErrorID: "email_invalid", Reason: "The email address is invalid.", Body: row.Body}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func newReader(b *testing.B, content []byte, format importfile.Format) *importfile.Reader {
	b.Helper()
	r, err := importfile.NewReader(bytes.NewReader(content), format)
	if err != nil {
		b.Fatal(err)
	}
	return r
}
