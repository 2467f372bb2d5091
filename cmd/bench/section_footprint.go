package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

const (
	starts    = 20
	idleFor   = 6 * time.Second // longer than the interval of sweeps
	idleTries = 3
	mega      = 1_000_000
	giga      = 1000 * mega
)

// measureFootprint measures the start of a bridge, its memory when nobody calls it,
// and its size.
func measureFootprint(ctx context.Context, s *stage) error {
	k, err := s.startKratos(ctx, cheapBcrypt, "")
	if err != nil {
		return err
	}
	b, err := s.startBridge(ctx, k, "") // creates the store
	if err != nil {
		return err
	}
	if err := b.stop(); err != nil {
		return err
	}
	var took, memory []float64
	bare := &way{name: "start", kratos: k}
	all, err := s.measure(ctx, bare, func(t *turn) error {
		for t.ops = range starts {
			s.bench.progress("start %d of %d", t.ops+1, starts)
			begin := time.Now()
			if err := b.start(ctx); err != nil {
				return err
			}
			took = append(took, time.Since(begin).Seconds()*1000)
			if t.ops < idleTries {
				if err := sleep(ctx, idleFor); err != nil {
					return err
				}
				n, err := anonymousMemory(b.pid())
				if err != nil {
					return err
				}
				memory = append(memory, float64(n)*1024/mega)
			}
			if err := b.stop(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	file, err := os.Stat(s.bench.binary)
	if err != nil {
		return err
	}
	r := &s.bench.report
	r.goal("anonymous memory of an idle bridge (RssAnon)", "%.1f MB", memory, most(8), "")
	r.goal(fmt.Sprintf("start to ready, %d starts", starts), "%.0f ms", took, most(40), noise(nil, series{way: bare, turns: []turn{all}}))
	r.goal("size of the stripped binary", "%.1f MB", []float64{float64(file.Size()) / mega}, most(35), "")
	return nil
}

// sleep waits, or returns an error if ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
