package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// subject is one invitation and what its client knows of it.
type subject struct {
	number             int
	email, password    string
	id, identity       uuid.UUID
	tokens             []string
	recovery           []bridge.RecoveryFlow // with the codes that were answered
	recovered          bool                  // with that code
	until              time.Time             // see scenario.dueAt
	adopted            uuid.UUID             // the identity that existed before
	imported           importing             // its rows have addresses derived from email
	former             holder                // the former holder of that account
	reclaimed          bool                  // an administrator gave it back to that holder
	reclaimedAt        time.Time             // when that began
	emailsBefore       int                   // received before the last start
	attempts           int                   // how often its password was submitted
	resent             int                   // how often an email was requested again
	accepted           bool                  // and revoked: requests that succeeded
	revoked            bool
	revocationAccepted bool // answered 202: it will be revoked unless it was being accepted
	revoking           bool // a revocation was requested, whatever its result
	forgetting         forgetting
}

// trial is a bridge, or several replicas of it, killed at one failpoint.
type trial struct {
	scenario      scenario
	bridges       bridges
	process       *process // the only bridge; nil: there are several
	public, admin string   // sockets that clients use
	env           *environment
	kratos        identities
	subjects      []*subject
}

// bridges is one process or several replicas.
type bridges interface {
	start(ctx context.Context) error                  // all that do not run
	arm(point string) error                           // one will be killed there
	waitKilled(within time.Duration) bool             // for one
	down() <-chan struct{}                            // closed when one has ended since the last start
	exited() bool                                     // one does not run
	kill()                                            // all
	files(context.Context) (map[string]string, error) // written by them, each with a text that it contains
	remove()
}

const (
	killTimeout    = time.Minute      // for a kill
	messageTimeout = 80 * time.Second // for a message: one in flight at the kill is leased for a minute
	once           = 0                // try only once
	responseLimit  = 5 * time.Second  // for a request after a start, in addition to a lease
	clients        = 8
)

func newTrial(ctx context.Context, s scenario, subjects int, binary string, kratos identities) (*trial, func(), error) {
	w, err := newEnvironment(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := newProcess(binary, w.config(kratos, s), "")
	if err != nil {
		w.stop()
		return nil, nil, err
	}
	t := &trial{scenario: s, bridges: p, process: p, public: p.public, admin: p.admin, env: w, kratos: kratos, subjects: newSubjects(subjects)}
	return t, func() { p.remove(); w.stop() }, nil
}

func newSubjects(n int) (all []*subject) {
	for i := range n {
		all = append(all, &subject{number: i, email: uuid.NewString() + "@example.com", password: "Pass-" + uuid.NewString()})
	}
	return all
}

// batch is how many kills share a bridge, its store and the final checks.
const batch = 100

// killAll kills bridges at a failpoint, kills times, and returns the result.
// slack multiplies the time limit of clients, for machines shared with other work.
func killAll(ctx context.Context, s scenario, point string, kills, slack int, binary string, kratos identities) (all result, err error) {
	limit := time.Duration(slack) * responseLimit
	if s.claims {
		limit += kratos.lease()
	}
	// Not every attempt reaches its failpoint: one start may expire several
	// invitations at once, and on a slow machine the bridge may give up midway, so
	// that the client's next attempt takes another path. Up to twice as many attempts
	// are made, unless none of the first batch reached the failpoint.
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
		all.broken = []string{fmt.Sprintf("only %d of %d attempts reached the failpoint", all.kills, kills)}
	}
	return all, nil
}

// kill runs one batch.
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
		if killed && s.afterKill != nil {
			if err := s.afterKill(ctx, t, subject); err != nil {
				r.broken = append(r.broken, fmt.Sprintf("%s: after the kill: %v", subject.id, err))
			}
		}
	}
	t.countEmails()
	begin := time.Now()
	if err := errors.Join(t.bridges.arm(""), t.bridges.start(ctx)); err != nil {
		return r, err
	}
	defer t.bridges.kill()
	started := time.Since(begin)
	failed, longest := t.each(ctx, limit, s.act)
	if r.recovery = started + longest; r.recovery > limit {
		failed = append(failed, fmt.Sprintf("a client waited %v for its response", r.recovery))
	}
	r.broken = slices.Concat(r.broken, failed, t.checkAll(ctx))
	return r, ctx.Err()
}

// countEmails records how many emails have arrived. The bridge must not be running.
func (t *trial) countEmails() {
	time.Sleep(200 * time.Millisecond) // the last ones may still be arriving
	for _, s := range t.subjects {
		s.emailsBefore = t.env.emailCount(s.email)
	}
}

// checkAll returns every violation: state is checked at once, messages may take a
// while, and at the end there must be no duplicates.
func (t *trial) checkAll(ctx context.Context) []string {
	broken, _ := t.each(ctx, once, t.scenario.state)
	missing, _ := t.each(ctx, messageTimeout, t.scenario.messages)
	time.Sleep(500 * time.Millisecond) // a duplicate might still arrive
	changed, _ := t.each(ctx, once, all(t.scenario.state, t.scenario.messages))
	broken = slices.Concat(broken, missing, changed)
	if err := t.checkSecrets(ctx); err != nil {
		broken = append(broken, err.Error())
	}
	return broken
}

func (t *trial) prepare(ctx context.Context) error {
	if err := t.bridges.start(ctx); err != nil {
		return err
	}
	defer t.bridges.kill()
	for _, s := range t.subjects {
		if err := t.prepareOne(ctx, s); err != nil {
			return fmt.Errorf("preparing the scenario: %w", err)
		}
	}
	return nil
}

// prepareOne retries, because requests may fail on a slow machine.
func (t *trial) prepareOne(ctx context.Context, s *subject) error {
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		var err error
		if t.bridges.exited() {
			err = errors.Join(t.bridges.arm(""), t.bridges.start(ctx))
		}
		if err == nil {
			err = t.scenario.prepare(ctx, t, s)
		}
		if err == nil || ctx.Err() != nil || time.Since(begin) > killTimeout {
			return err
		}
	}
}

// killOnce starts the bridge, armed to be killed, and sends the request. killed
// reports whether the bridge reached the failpoint.
func (t *trial) killOnce(ctx context.Context, point string, s *subject) (killed bool, err error) {
	if t.scenario.dueAt != nil {
		time.Sleep(time.Until(t.scenario.dueAt(s)))
	}
	if err := t.beforeKill(ctx, s); err != nil {
		return false, err
	}
	if err := t.startArmed(ctx, point, s); err != nil {
		return false, err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var asked sync.WaitGroup
	asked.Go(func() {
		for t.scenario.act(asking, t, s) != nil && asking.Err() == nil { // a killed bridge does not respond
			time.Sleep(20 * time.Millisecond)
		}
	})
	timeout := killTimeout
	if t.scenario.dueAt != nil {
		timeout = 2 * time.Second // it happens at the start or has happened before
	}
	killed = t.bridges.waitKilled(timeout)
	stop()
	asked.Wait()
	return killed, ctx.Err()
}

// startArmed starts the bridge, to be killed at a failpoint.
func (t *trial) startArmed(ctx context.Context, point string, s *subject) error {
	if t.scenario.settle == nil {
		return errors.Join(t.bridges.arm(point), t.bridges.start(ctx))
	}
	if err := errors.Join(t.bridges.arm(""), t.bridges.start(ctx)); err != nil {
		return err
	}
	return errors.Join(t.scenario.settle(ctx, t, s), t.bridges.arm(point))
}

// beforeKill brings about what must be fresh when the bridge is killed.
func (t *trial) beforeKill(ctx context.Context, s *subject) error {
	if t.scenario.beforeKill == nil {
		return nil
	}
	if err := errors.Join(t.bridges.arm(""), t.bridges.start(ctx)); err != nil {
		return err
	}
	defer t.bridges.kill()
	return t.scenario.beforeKill(ctx, t, s)
}

// each calls do for all subjects, several at a time, and repeats it until it
// succeeds or the time from its first attempt exceeds within. It returns the last
// error of each subject that did not succeed, and the longest time of those that
// did.
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
				ctx := asClient(ctx, s.email)
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
