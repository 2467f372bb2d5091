package bridge

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

const (
	// freshFor is how old a verdict may be when the write it permits is sent, and
	// longestRead what the read for it may have taken: of a longer one nobody can
	// say whether Kratos was slow, or this process was stopped with the answer
	// waiting for it.
	freshFor    = time.Second
	longestRead = 5 * time.Second
	// writeRounds bounds how often a write begins anew: because another one came
	// first, or because the verdict had grown old.
	writeRounds = 5
	racePause   = 40 * time.Millisecond // the longest before the first repetition; doubles
)

// writer sends writes to one identity in the one order that keeps accounts with
// their owners: it reads the identity and judges it; then it has begin commit
// that the write begins; then both clocks must say that the verdict is fresh and
// the lease has not ended; only then the write is sent.
type writer struct {
	service  *Service
	identity uuid.UUID
	question question
	// begin commits in one Update that the write begins, or says why it must not.
	begin func(ctx context.Context, i Identity, w Write) error
	// lease is when the right to write ends; zero: it does not.
	lease instant
}

// refusal is a verdict that permits no write.
type refusal struct {
	verdict  verdict
	identity Identity
}

func (refusal) Error() string { return "the identity is not nobody's" }

// write sends the write that plan makes of the identity as it was judged; nil:
// none is needed. The error is a refusal, or what begin, plan or [Identities]
// says. Of a failed read it says that nothing was done.
func (w writer) write(ctx context.Context, plan func(Identity) (Write, error)) error {
	for round := range writeRounds {
		if round > 0 && !pause(ctx, racePause<<(round-1)) {
			break
		}
		asked := w.service.instant()
		i, err := w.look(ctx)
		if err != nil {
			return err
		}
		judged := w.service.instant()
		next, err := plan(i)
		if next == nil || err != nil {
			return err
		}
		if err := w.begin(ctx, i, next); err != nil {
			return err
		}
		stale := func() bool {
			return w.service.instant().passed(judged.add(freshFor)) || judged.passed(asked.add(longestRead))
		}
		over := func() bool { return w.lease != (instant{}) && w.service.instant().passed(w.lease) }
		if stale() {
			continue
		}
		if over() {
			return notDone(next.Name(), "the lease of the claim ended before")
		}
		sending := context.WithValue(ctx, staleKey{}, func() bool { return stale() || over() })
		if err := w.service.identities.Write(sending, i, next); !errors.Is(err, ErrIdentityRace) {
			return err
		}
	}
	return ErrKratosAway.Reasonf("The identity kept changing, or it took too long to begin the write. Nothing was changed; a retry is safe.")
}

type staleKey struct{}

// Stale says whether a write must not be sent any more, because the verdict that
// permits it has grown old or the right to write has ended. See
// [Identities.Write].
func Stale(ctx context.Context) bool {
	stale, ok := ctx.Value(staleKey{}).(func() bool)
	return ok && stale()
}

// look reads and judges. The error is a refusal, or of the read.
func (w writer) look(ctx context.Context) (Identity, error) {
	i, v, err := w.service.look(ctx, w.identity, w.question)
	if err != nil {
		return i, untouched(err)
	}
	if v != verdictFree {
		return i, refusal{v, i}
	}
	return i, nil
}

// look reads an identity and asks judge about it. A missing one is a verdict and
// no error.
func (s *Service) look(ctx context.Context, id uuid.UUID, q question) (i Identity, v verdict, err error) {
	q.shifted = q.shifted || s.shifted.Load()
	if q.baseline == nil && !q.reactivate {
		// They are read first, so that the state is what was read last: a session
		// can begin only while the identity is active, and the state shows that.
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

// untouched says of a write that could not begin, because the read before it
// failed, that it had no effect.
func untouched(err error) error {
	var e *IdentityError
	if !errors.As(err, &e) || e.Outcome != OutcomeUnknown {
		return err
	}
	c := *e
	c.Outcome = OutcomeNotDone
	return &c
}

func notDone(op, reason string) error {
	return &IdentityError{Outcome: OutcomeNotDone, Op: op, Reason: reason}
}

// pause waits for a random part of most, so that callers who lost a race do not
// meet again. It says whether there is time left.
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
