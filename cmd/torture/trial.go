package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
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
	asked           int
	accepted        bool // and revoked: what was answered with success
	revoked         bool
}

// trial is a bridge that is killed at one arrow.
type trial struct {
	scenario scenario
	process  *process
	world    *world
	kratos   identities
	subjects []*subject
}

// How long it is waited for a kill, and for the messages after the last start:
// those that were under way are leased for a minute.
const (
	killPatience    = 20 * time.Second
	messagePatience = 80 * time.Second
	clients         = 8
)

func newTrial(ctx context.Context, s scenario, subjects int, binary string, kratos identities) (*trial, func(), error) {
	w, err := newWorld(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := newProcess(binary, w.config(kratos.url, s.cooldown))
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
// came of it.
func killAll(ctx context.Context, s scenario, point string, kills int, binary string, kratos identities) (all result, err error) {
	// Where time brings something about, one start may see to what several kills
	// were meant for: some more are tried then.
	for tried := 0; all.kills < kills && tried < 2*kills; {
		n := min(batch, kills-all.kills)
		r, err := kill(ctx, s, point, n, binary, kratos)
		if err != nil {
			return all, err
		}
		if r.kills < n && s.ripe == nil {
			r.broken = append(r.broken, fmt.Sprintf("only %d of %d times it came to be killed", r.kills, n))
		}
		all.add(r)
		tried += n
	}
	if all.kills < kills && all.broken == nil {
		all.broken = []string{fmt.Sprintf("only %d times it came to be killed", all.kills)}
	}
	return all, nil
}

// kill is a batch of them.
func kill(ctx context.Context, s scenario, point string, kills int, binary string, kratos identities) (r result, err error) {
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
	}
	begin := time.Now()
	if err := errors.Join(t.process.arm(""), t.process.start(ctx)); err != nil {
		return r, err
	}
	defer t.process.kill()
	r.broken = append(r.broken, t.recover(ctx)...)
	r.recovery = time.Since(begin)
	r.broken = append(r.broken, t.checkAll(ctx)...)
	if err := t.silent(); err != nil {
		r.broken = append(r.broken, err.Error())
	}
	return r, ctx.Err()
}

func (t *trial) prepare(ctx context.Context) error {
	if err := t.process.start(ctx); err != nil {
		return err
	}
	defer t.process.kill()
	for _, s := range t.subjects {
		if err := t.scenario.prepare(ctx, t, s); err != nil {
			return fmt.Errorf("while it is prepared: %w", err)
		}
	}
	return nil
}

// killOnce starts the bridge, with a kill ahead, and asks.
func (t *trial) killOnce(ctx context.Context, point string, s *subject) (killed bool, err error) {
	if t.scenario.ripe != nil {
		time.Sleep(time.Until(t.scenario.ripe(s)))
	}
	if err := errors.Join(t.process.arm(point), t.process.start(ctx)); err != nil {
		return false, err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var asked sync.WaitGroup
	asked.Go(func() { _ = t.scenario.act(asking, t, s) }) // who was killed does not answer
	patience := killPatience
	if t.scenario.ripe != nil {
		patience = 2 * time.Second // it is done at the start, or was done before
	}
	killed = t.process.dies(patience)
	stop()
	asked.Wait()
	return killed, ctx.Err()
}

// each runs something for all subjects, several at a time, until it succeeds or
// time is up, and gives what it said last where it did not.
func (t *trial) each(ctx context.Context, within time.Duration, do func(context.Context, *trial, *subject) error) (failed []string) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
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
				err := do(ctx, t, s)
				for ; err != nil && ctx.Err() == nil; err = do(ctx, t, s) {
					time.Sleep(20 * time.Millisecond)
				}
				if err != nil {
					mu.Lock()
					failed = append(failed, fmt.Sprintf("%s: %v", s.id, err))
					mu.Unlock()
				}
			}
		})
	}
	running.Wait()
	return failed
}

// recover has the clients repeat what they asked for.
func (t *trial) recover(ctx context.Context) []string {
	return t.each(ctx, lease+5*time.Second, t.scenario.act)
}

func (t *trial) checkAll(ctx context.Context) []string {
	return t.each(ctx, messagePatience, t.scenario.check)
}

// named compares the arrows that a scenario passes with those of points.go.
func named(ctx context.Context, s scenario, binary string, kratos identities) error {
	t, remove, err := newTrial(ctx, s, 1, binary, kratos)
	if err != nil {
		return err
	}
	defer remove()
	if err := t.prepare(ctx); err != nil {
		return err
	}
	if s.ripe != nil {
		time.Sleep(time.Until(s.ripe(t.subjects[0])))
	}
	if err := errors.Join(t.process.arm("record"), t.process.start(ctx)); err != nil {
		return err
	}
	defer t.process.kill()
	if len(s.verbs) == 1 && s.verbs[0] != "sweep" {
		time.Sleep(500 * time.Millisecond) // what is due at a start is seen to, and is no part of this
	}
	failed := append(t.recover(ctx), t.checkAll(ctx)...)
	if len(failed) > 0 {
		return fmt.Errorf("%s goes wrong with nobody killed: %s", s.name, strings.Join(failed, "; "))
	}
	time.Sleep(500 * time.Millisecond) // what was sent is still to be noted
	text, err := os.ReadFile(t.process.file("failpoint.passed"))
	if err != nil {
		return err
	}
	var passed []string
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		verb, _, _ := strings.Cut(lines.Text(), ".")
		if slices.Contains(s.verbs, verb) && !slices.Contains(passed, lines.Text()) {
			passed = append(passed, lines.Text())
		}
	}
	slices.Sort(passed)
	want := slices.Sorted(slices.Values(s.points))
	if !slices.Equal(passed, want) {
		return fmt.Errorf("%s passes other arrows than points.go names: %q", s.name, passed)
	}
	return nil
}
