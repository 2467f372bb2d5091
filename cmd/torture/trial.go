package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// subject is one invitation, and what its client knows of it.
type subject struct {
	number          int
	email, password string
	id, identity    uuid.UUID
	tokens          []string
	until           time.Time // see scenario.ripe
	adopted         uuid.UUID // the identity that was there before
	former          holder    // whose account it was
	reclaimed       bool      // an administrator gave it back to that holder
	letters         int       // that had come before the last start
	asked           int       // how often its password was sent
	accepted        bool      // and revoked: what was answered with success
	revoked         bool
	promised        bool // 202: it is revoked unless it was being accepted
	revoking        bool // it was asked for, whatever came of it
}

// trial is a bridge that is killed at one failpoint.
type trial struct {
	scenario scenario
	process  *process
	world    *world
	kratos   identities
	subjects []*subject
}

const (
	killPatience    = time.Minute      // for a kill
	messagePatience = 80 * time.Second // for a message: one that was under way is leased for a minute
	once            = 0                // for what is not repeated
	prompt          = 5 * time.Second  // for whatever a client asks for, after a start; a lease comes on top
	clients         = 8
)

func newTrial(ctx context.Context, s scenario, subjects int, binary string, kratos identities) (*trial, func(), error) {
	w, err := newWorld(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := newProcess(binary, w.config(kratos, s))
	if err != nil {
		w.stop()
		return nil, nil, err
	}
	t := &trial{scenario: s, process: p, world: w, kratos: kratos}
	for i := range subjects {
		t.subjects = append(t.subjects, &subject{number: i, email: uuid.NewString() + "@example.com", password: "Pass-" + uuid.NewString()})
	}
	return t, func() { p.remove(); w.stop() }, nil
}

// batch is how many kills share a bridge, its store and a last look at all.
const batch = 100

// killAll has bridges killed at a point as often as it is told, and gives what
// came of it. Clients are answered in time if that is within slack times what is
// prompt: a crowded machine needs it.
func killAll(ctx context.Context, s scenario, point string, kills, slack int, binary string, kratos identities) (all result, err error) {
	limit := time.Duration(slack) * prompt
	if s.claims {
		limit += kratos.lease()
	}
	// Not every attempt comes to its failpoint: where time brings something about,
	// one start may see to what several kills were meant for; and where the machine
	// is so slow that the bridge gives up midway, the client's repeat takes another
	// way. Some more are tried then, unless none of them came to it.
	for tried := 0; all.kills < kills && tried < 2*kills; {
		n := min(batch, kills-all.kills)
		r, err := kill(ctx, s, point, n, limit, binary, kratos)
		if err != nil {
			return all, err
		}
		all.add(r)
		tried += n
		if all.kills == 0 {
			break
		}
	}
	if all.kills < kills && all.broken == nil {
		all.broken = []string{fmt.Sprintf("only %d of %d times it came to be killed", all.kills, kills)}
	}
	return all, nil
}

// kill is a batch of them.
func kill(ctx context.Context, s scenario, point string, kills int, limit time.Duration, binary string, kratos identities) (r result, err error) {
	t, remove, err := newTrial(ctx, s, kills, binary, kratos)
	if err != nil {
		return r, err
	}
	defer remove()
	if err := t.prepare(ctx); err != nil {
		return r, err
	}
	for _, subject := range t.subjects {
		killed, err := t.killOnce(ctx, point, subject)
		if err != nil {
			return r, err
		}
		if killed {
			r.kills++
		}
		if killed && s.between != nil {
			if err := s.between(ctx, t, subject); err != nil {
				r.broken = append(r.broken, fmt.Sprintf("%s: after the kill: %v", subject.id, err))
			}
		}
	}
	t.countLetters()
	begin := time.Now()
	if err := errors.Join(t.process.arm(""), t.process.start(ctx)); err != nil {
		return r, err
	}
	defer t.process.kill()
	started := time.Since(begin)
	failed, longest := t.each(ctx, limit, s.act)
	if r.recovery = started + longest; r.recovery > limit {
		failed = append(failed, fmt.Sprintf("it took %v until a client had its answer", r.recovery))
	}
	r.broken = slices.Concat(r.broken, failed, t.judge(ctx))
	return r, ctx.Err()
}

// countLetters is for while the bridge is dead.
func (t *trial) countLetters() {
	time.Sleep(200 * time.Millisecond) // the last of them is counted
	for _, s := range t.subjects {
		s.letters = t.world.mails(s.email)
	}
}

// judge holds everything that came of it against what should have: what stands
// does so at once, messages may take their time, and in the end there is none
// too many.
func (t *trial) judge(ctx context.Context) []string {
	broken, _ := t.each(ctx, once, t.scenario.stands)
	missing, _ := t.each(ctx, messagePatience, t.scenario.arrives)
	time.Sleep(500 * time.Millisecond) // one too many might come now
	changed, _ := t.each(ctx, once, all(t.scenario.stands, t.scenario.arrives))
	broken = slices.Concat(broken, missing, changed)
	if err := t.silent(); err != nil {
		broken = append(broken, err.Error())
	}
	return broken
}

func (t *trial) prepare(ctx context.Context) error {
	if err := t.process.start(ctx); err != nil {
		return err
	}
	defer t.process.kill()
	for _, s := range t.subjects {
		if err := t.prepareOne(ctx, s); err != nil {
			return fmt.Errorf("while it is prepared: %w", err)
		}
	}
	return nil
}

// prepareOne has patience with a crowded machine.
func (t *trial) prepareOne(ctx context.Context, s *subject) error {
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		var err error
		if t.process.gone() {
			err = errors.Join(t.process.arm(""), t.process.start(ctx))
		}
		if err == nil {
			err = t.scenario.prepare(ctx, t, s)
		}
		if err == nil || ctx.Err() != nil || time.Since(begin) > killPatience {
			return err
		}
	}
}

// killOnce starts the bridge, with a kill ahead, and asks.
func (t *trial) killOnce(ctx context.Context, point string, s *subject) (killed bool, err error) {
	if t.scenario.ripe != nil {
		time.Sleep(time.Until(t.scenario.ripe(s)))
	}
	if err := t.approach(ctx, s); err != nil {
		return false, err
	}
	if err := errors.Join(t.process.arm(point), t.process.start(ctx)); err != nil {
		return false, err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var asked sync.WaitGroup
	asked.Go(func() {
		for t.scenario.act(asking, t, s) != nil && asking.Err() == nil { // who was killed does not answer
			time.Sleep(20 * time.Millisecond)
		}
	})
	patience := killPatience
	if t.scenario.ripe != nil {
		patience = 2 * time.Second // it is done at the start, or was done before
	}
	killed = t.process.dies(patience)
	stop()
	asked.Wait()
	return killed, ctx.Err()
}

// approach brings about what must be fresh when the bridge is killed.
func (t *trial) approach(ctx context.Context, s *subject) error {
	if t.scenario.approach == nil {
		return nil
	}
	if err := errors.Join(t.process.arm(""), t.process.start(ctx)); err != nil {
		return err
	}
	defer t.process.kill()
	return t.scenario.approach(ctx, t, s)
}

// each runs something for all subjects, several at a time, and gives what it
// said last where it did not succeed within a time from the first attempt; and
// how long the slowest that did took.
func (t *trial) each(ctx context.Context, within time.Duration, do func(context.Context, *trial, *subject) error) (failed []string, longest time.Duration) {
	var mu sync.Mutex
	var running sync.WaitGroup
	queue := make(chan *subject, len(t.subjects))
	for _, s := range t.subjects {
		queue <- s
	}
	close(queue)
	for range clients {
		running.Go(func() {
			for s := range queue {
				begin := time.Now()
				err := do(ctx, t, s)
				for ; err != nil && ctx.Err() == nil && time.Since(begin) < within; err = do(ctx, t, s) {
					time.Sleep(20 * time.Millisecond)
				}
				mu.Lock()
				if err != nil {
					failed = append(failed, fmt.Sprintf("%s: %v", s.id, err))
				} else {
					longest = max(longest, time.Since(begin))
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return failed, longest
}
