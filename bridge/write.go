package bridge

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

const (
	// verdictFresh is the maximum age of a verdict when the write that it permits
	// is sent. maxReadTime is the maximum duration of the read before it: after a
	// longer one it is unknown whether Kratos was slow, or this process was
	// suspended while the response was waiting.
	verdictFresh = time.Second
	maxReadTime  = 5 * time.Second
	// writeRounds bounds how often a write starts over, because another write won
	// the race or the verdict became stale.
	writeRounds = 5
	racePause   = 40 * time.Millisecond // maximum pause before the second round; doubles
)

// writer sends writes to one identity in the only order that keeps accounts with
// their owners:
//
//  1. It reads and judges the identity. After a write whose response shows the
//     identity, it judges that, and does not read.
//  2. begin commits that the write begins.
//  3. It checks on both clocks that the verdict is fresh and the lease has not
//     ended.
//  4. It sends the write.
type writer struct {
	service  *Service
	identity uuid.UUID
	question question
	// begin commits in one Update that the write begins, or returns an error if it
	// must not.
	begin func(ctx context.Context, i Identity, w Write) error
	// lease is when the right to write ends; zero: never.
	lease instant
	// latest is the identity as last shown, if no write has followed.
	latest sighting
}

// sighting is an identity as the identity system showed it.
type sighting struct {
	identity Identity
	// asked and judged are before and after the read of its oldest part.
	asked, judged instant
}

// stale reports whether a verdict on the sighting permits no write anymore.
func (s sighting) stale(now instant) bool {
	return now.passed(s.judged.add(verdictFresh)) || s.judged.passed(s.asked.add(maxReadTime))
}

// refusal is the error for a verdict that permits no write.
type refusal struct {
	verdict  verdict
	identity Identity
}

func (refusal) Error() string { return "the identity is in use, or must not be written to" }

// write sends the write that plan returns for the identity as judged; nil: no write
// is needed.
//
// Errors: a refusal; those of begin, plan and [Identities]. A failed read is
// reported as OutcomeNotApplied.
func (w *writer) write(ctx context.Context, plan func(Identity) (Write, error)) error {
	for round := range writeRounds {
		if round > 0 && !pause(ctx, racePause<<(round-1)) {
			break
		}
		seen, err := w.look(ctx)
		if err != nil {
			return err
		}
		next, err := plan(seen.identity)
		if next == nil || err != nil {
			return err
		}
		w.latest = sighting{} // it permits one write only
		if err := w.begin(ctx, seen.identity, next); err != nil {
			return err
		}
		stale := func() bool { return seen.stale(w.service.instant()) }
		over := func() bool { return w.lease != (instant{}) && w.service.instant().passed(w.lease) }
		if stale() {
			continue
		}
		if over() {
			return notApplied(next.Name(), "the lease of the claim ended before")
		}
		sending := context.WithValue(ctx, staleKey{}, func() bool { return stale() || over() })
		after, err := w.service.identities.Write(sending, seen.identity, next)
		if err == nil {
			w.latest = sighting{after, seen.asked, seen.judged}
		}
		if !errors.Is(err, ErrIdentityRace) {
			return err
		}
	}
	return ErrKratosUnavailable.WithReasonf("The identity kept changing, or the write was delayed for too long. Nothing was changed. Retrying is safe.")
}

type staleKey struct{}

// Stale reports whether a write must no longer be sent, because the verdict that
// permits it is too old or the lease has ended. See [Identities].Write.
func Stale(ctx context.Context) bool {
	stale, ok := ctx.Value(staleKey{}).(func() bool)
	return ok && stale()
}

// look returns the identity, judged. It reads it, unless the latest sighting
// permits a write: a refusal always has a read of its own.
//
// Errors: a refusal; those of the read.
func (w *writer) look(ctx context.Context) (sighting, error) {
	// Without a baseline, sessions count too, and no response to a write shows them.
	if w.question.baseline != nil && !w.latest.stale(w.service.instant()) && judge(w.latest.identity, w.question) == verdictFree {
		return w.latest, nil
	}
	asked := w.service.instant()
	i, v, err := w.service.readAndJudge(ctx, w.identity, w.question)
	if err != nil {
		return sighting{}, asNotApplied(err)
	}
	if v != verdictFree {
		return sighting{}, refusal{v, i}
	}
	w.latest = sighting{i, asked, w.service.instant()}
	return w.latest, nil
}

// readAndJudge reads an identity and judges it. A missing identity is a verdict, not
// an error.
func (s *Service) readAndJudge(ctx context.Context, id uuid.UUID, q question) (i Identity, v verdict, err error) {
	q.shifted = q.shifted || s.shifted.Load()
	if q.baseline == nil && !q.reactivate {
		// Sessions are read before the state: a session can only begin while the
		// identity is active, and the state read afterwards shows that.
		q.sessions, err = s.identities.HasSessions(ctx, id)
		if err != nil && !errors.Is(err, ErrIdentityNotFound) {
			return i, v, err
		}
	}
	i, err = s.identities.Get(ctx, id)
	if err != nil && !errors.Is(err, ErrIdentityNotFound) {
		return i, v, err
	}
	s.compareZones(q.baseline, i)
	return i, judge(i, q), nil
}

// asNotApplied turns an unknown outcome of the read before a write into
// OutcomeNotApplied: the write was never sent.
func asNotApplied(err error) error {
	var e *IdentityError
	if !errors.As(err, &e) || e.Outcome != OutcomeUnknown {
		return err
	}
	c := *e
	c.Outcome = OutcomeNotApplied
	return &c
}

func notApplied(op, reason string) error {
	return &IdentityError{Outcome: OutcomeNotApplied, Op: op, Reason: reason}
}

// pause waits for a random part of most, so that callers who lost a race do not
// collide again. It returns false if ctx ended.
func pause(ctx context.Context, most time.Duration) bool {
	timer := time.NewTimer(rand.N(most)) //nolint:gosec // spread, not secrecy
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
