package main

import (
	"context"
	"encoding/csv"
	"errors"
	"testing"
	"testing/iotest"
	"time"
)

// TestCSVFile: the file has its header, as many rows as it should, and no address twice,
// however it is read.
func TestCSVFile(t *testing.T) {
	for _, n := range []int{0, 1, 1000} {
		f := &csvFile{addresses: &addresses{run: "test"}, left: n, text: []byte("email\n")}
		rows, err := csv.NewReader(iotest.HalfReader(f)).ReadAll()
		if err != nil || len(rows) != n+1 || rows[0][0] != "email" {
			t.Fatalf("%d rows instead of %d and the header: %v", len(rows), n, err)
		}
		seen := make(map[string]bool)
		for _, row := range rows {
			seen[row[0]] = true
		}
		if len(seen) != n+1 {
			t.Errorf("%d of %d rows differ", len(seen), n+1)
		}
	}
}

// TestSteadily: calls begin on time although earlier ones have not returned.
func TestSteadily(t *testing.T) {
	begun, all := make(chan struct{}, 5), make(chan struct{})
	go func() {
		for range cap(begun) {
			<-begun
		}
		close(all)
	}()
	took, err := steadily(t.Context(), func(ctx context.Context) error {
		begun <- struct{}{}
		select {
		case <-all:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, time.Millisecond, 5*time.Millisecond)
	if err != nil || len(took) != 5 {
		t.Errorf("%d calls: %v", len(took), err)
	}
	want := errors.New("refused")
	if _, err := steadily(t.Context(), func(context.Context) error { return want }, time.Millisecond, time.Minute); !errors.Is(err, want) {
		t.Errorf("%v instead of the first error", err)
	}
}
