package main

import (
	"context"
	"fmt"
	"time"
)

const mebi = 1 << 20

// measureImportMemory measures the memory of a bridge that loads and imports a long
// file, with a Kratos that answers at once.
func measureImportMemory(ctx context.Context, s *stage) error {
	k, err := s.startAnswering()
	if err != nil {
		return err
	}
	b, err := s.startBridge(ctx, k, "")
	if err != nil {
		return err
	}
	if err := s.importing(k, b, false).rows(ctx, batchSize, &turn{}); err != nil { // to warm up
		return err
	}
	rows, wait := s.bench.options.rows, 3*s.turn
	var i *anImport
	idle, highest := 0, 0
	for _, phase := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"nobody calls", func(ctx context.Context) error { return sleep(ctx, wait) }},
		{fmt.Sprintf("%d rows are loaded", rows), func(ctx context.Context) (err error) {
			i, err = s.upload(ctx, b, rows, false)
			return err
		}},
		{"they are imported", func(ctx context.Context) error { return i.await(ctx, "finished") }},
		{"nobody calls, after that", func(ctx context.Context) error { return sleep(ctx, wait) }},
	} {
		s.bench.progress("memory: %s", phase.name)
		begin := time.Now()
		p, err := b.watch(ctx, phase.run)
		if err != nil {
			return err
		}
		if idle == 0 {
			idle = p.lastMemory
		}
		highest = max(highest, p.peakMemory)
		s.bench.report.memory = append(s.bench.report.memory, row(phase.name, fmt.Sprintf("%.0f s", time.Since(begin).Seconds()),
			megabytes(p.peakMemory), megabytes(p.lastMemory), fmt.Sprint(p.peakGoroutines), fmt.Sprint(p.lastGoroutines)))
	}
	over := []float64{float64(highest-idle) * 1024 / mebi}
	s.bench.report.goal(fmt.Sprintf("anonymous memory over idle while %d rows are loaded and imported", rows), "%.1f MiB", over, most(64), "")
	return nil
}
