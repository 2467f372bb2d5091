package boltstore

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// BenchmarkScrub measures a Scrub of free pages: full of deleted rows, and again when
// they are zero. Then MB/s is the speed per byte of free pages.
func BenchmarkScrub(b *testing.B) {
	const size = 256 << 20
	path := filepath.Join(b.TempDir(), "bridge.db")
	for b.Loop() {
		b.StopTimer()
		s := open(b, path)
		err := s.db.Update(func(tx *bbolt.Tx) error {
			return probeBucket.in(tx).Put([]byte("large"), bytes.Repeat([]byte{1}, size))
		})
		if err == nil {
			err = s.db.Update(func(tx *bbolt.Tx) error { return probeBucket.in(tx).Delete([]byte("large")) })
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for _, name := range []string{"first", "again"} {
			start := time.Now()
			if err := s.Scrub(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(start).Seconds()*(1<<30)/size, "s/GiB-"+name)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
