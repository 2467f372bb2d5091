package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// killReplicas kills replicas at a failpoint, kills times. After each kill another
// process takes the place of the dead one, but after the last: then two replicas
// settle what all the dead have left, while the clients repeat their requests.
func killReplicas(ctx context.Context, s scenario, f fleet, point string, kills, slack int) (all result, err error) {
	// A claim lasts so long, and so does the lease of an address.
	limit := time.Duration(slack)*responseLimit + max(f.kratos.lease(), s.lease)
	for tried := 0; all.kills < kills && tried < 2*kills; {
		n := min(batch, kills-all.kills)
		r, err := killReplicaBatch(ctx, s, f, point, n, limit)
		all.add(r)
		if err != nil {
			return all, err
		}
		tried += n
		if all.kills == 0 {
			break
		}
	}
	if all.kills < kills && all.broken == nil {
		all.broken = []string{fmt.Sprintf("only %d of %d attempts reached the failpoint", all.kills, kills)}
	}
	return all, nil
}

func killReplicaBatch(ctx context.Context, s scenario, f fleet, point string, kills int, limit time.Duration) (r result, err error) {
	t, remove, err := newReplicaTrial(ctx, s, f, kills, nil)
	if err != nil {
		return r, err
	}
	defer remove()
	if err := t.bridges.start(ctx); err != nil {
		return r, err
	}
	var last time.Time
	for _, x := range t.subjects {
		if err := errors.Join(t.bridges.start(ctx), t.prepareOne(asClient(ctx, x.email), x)); err != nil {
			return r, fmt.Errorf("preparing the scenario: %w", err)
		}
		killed, err := t.killReplica(asClient(ctx, x.email), point, x)
		if err != nil {
			return r, err
		}
		last = time.Now()
		if !killed {
			continue
		}
		r.kills++
		if s.afterKill != nil {
			if err := s.afterKill(ctx, t, x); err != nil {
				r.broken = append(r.broken, fmt.Sprintf("%s: after the kill: %v", x.id, err))
			}
		}
	}
	failed, _ := t.each(ctx, limit, s.act)
	if r.recovery = time.Since(last); r.recovery > limit {
		failed = append(failed, fmt.Sprintf("the last client waited %v for its response", r.recovery))
	}
	r.broken = slices.Concat(r.broken, failed, t.checkAll(ctx))
	return r, ctx.Err()
}

// killReplica sends the request of a subject until it has killed a replica, and
// reports whether it has.
func (t *trial) killReplica(ctx context.Context, point string, s *subject) (killed bool, err error) {
	if t.scenario.beforeKill != nil {
		if err := errors.Join(t.scenario.beforeKill(ctx, t, s), t.bridges.start(ctx)); err != nil {
			return false, err
		}
	}
	// The kill may come between sending an email and recording that.
	s.emailsBefore = t.env.emailCount(s.email) + 1
	if err := t.bridges.arm(point); err != nil {
		return false, err
	}
	timeout := killTimeout
	if t.scenario.dueAt != nil {
		timeout = max(0, time.Until(t.scenario.dueAt(s))) + 5*time.Second // a sweep does it, once a second
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var asked sync.WaitGroup
	asked.Go(func() {
		for t.scenario.act(asking, t, s) != nil && asking.Err() == nil { // it was killed; another replica gets the next request
			time.Sleep(20 * time.Millisecond)
		}
	})
	killed = t.bridges.waitKilled(timeout)
	stop()
	asked.Wait()
	return killed, ctx.Err()
}
