package main

import (
	"context"
	"fmt"
)

// backlog is how many webhooks wait when the receiver begins to answer.
const backlog = 8000

// measureOutbox measures how fast a backlog of signed webhooks reaches a receiver that
// shares the processors.
func measureOutbox(ctx context.Context, s *stage) error {
	d, err := s.startSender(ctx, 1)
	if err != nil {
		return err
	}
	all := series{way: &way{name: "webhook", bridge: d.bridge, receives: true}}
	for round := -1; round < s.bench.options.turns; round++ {
		s.bench.progress("%d webhooks, turn %d of %d", backlog, round+1, s.bench.options.turns)
		if err := d.fill(ctx, backlog); err != nil {
			return err
		}
		t, err := s.measure(ctx, all.way, func(t *turn) error {
			t.ops = backlog
			return d.drain(ctx, backlog)
		})
		if err != nil {
			return err
		}
		if round >= 0 {
			all.turns = append(all.turns, t)
		}
	}
	s.bench.report.compare([]series{all})
	rates, cpu := all.rates(), all.cpu(cpuBridge)
	s.bench.report.goal(fmt.Sprintf("signed webhooks a second, from a backlog of %d", backlog), "%.0f", rates, least(5000), noise(rates, all))
	s.bench.report.goal("… CPU time of the bridge for each", "%.2f ms", cpu, limit{}, noise(cpu, all))
	return nil
}
