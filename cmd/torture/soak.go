package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// soaking is a bridge under a steady load, with a Kratos that spoils one of a
// hundred requests, and may be away for a while.
type soaking struct {
	trial *trial
	fake  *kratostest.Fake
	out   func(format string, args ...any)

	mu      sync.Mutex
	pool    []*subject // those that can be asked about
	all     []*subject
	answers map[string]int
	slowest time.Duration
	broken  []string
	away    bool
	asked   int // while Kratos was there, and
	refused int // how many of them were answered 503
	samples []sample
}

const (
	perSecond  = 50
	answerTime = 10 * time.Second // within which every caller hears something
)

// soak keeps the load up for a while, and then checks everything.
func soak(ctx context.Context, o options) error {
	binary, remove, err := build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	fake, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		return err
	}
	defer fake.Close()
	t, removeTrial, err := newTrial(ctx, scenario{cooldown: day}, 0, binary, fakeIdentities(fake))
	if err != nil {
		return err
	}
	defer removeTrial()
	if err := t.process.start(ctx); err != nil {
		return err
	}
	defer t.process.kill()
	s := &soaking{trial: t, fake: fake, answers: make(map[string]int), out: func(f string, a ...any) { fmt.Fprintf(o.out, f+"\n", a...) }}
	s.out("%d requests a second for %v, one of a hundred to Kratos spoilt; Kratos is away for %v of it", perSecond, o.soak+o.away, o.away)
	spoiling, stop := context.WithCancel(ctx)
	defer stop()
	go s.spoil(spoiling)
	s.load(ctx, o.soak/2)
	if o.away > 0 {
		s.setAway(true)
		fake.Down()
		s.load(ctx, o.away)
		if err := fake.Up(); err != nil {
			return err
		}
		s.setAway(false)
	}
	s.load(ctx, o.soak/2)
	stop()
	s.settle(ctx)
	return s.verdict(ctx)
}

// load asks at its pace, and tells each minute how the process is.
func (s *soaking) load(ctx context.Context, d time.Duration) {
	var asking sync.WaitGroup
	ticker, minute := time.NewTicker(time.Second/perSecond), time.NewTicker(time.Minute)
	defer ticker.Stop()
	defer minute.Stop()
	s.tell(ctx)
	for end := time.After(d); ; {
		select {
		case <-ticker.C:
			asking.Go(func() { s.ask(ctx) })
		case <-minute.C:
			s.tell(ctx)
		case <-end:
			asking.Wait()
			s.tell(ctx)
			return
		case <-ctx.Done():
			asking.Wait()
			return
		}
	}
}

// ask is one request, of a kind that chance chooses.
func (s *soaking) ask(ctx context.Context) {
	subject := s.pick()
	begin := time.Now()
	verb, a, err := s.request(ctx, subject)
	took := time.Since(begin)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slowest = max(s.slowest, took)
	s.answers[fmt.Sprintf("%s %d", verb, a.status)]++
	if !s.away {
		s.asked++
	}
	switch {
	case err != nil:
		s.broken = append(s.broken, fmt.Sprintf("%s: no answer: %v", verb, err))
	case took > answerTime:
		s.broken = append(s.broken, fmt.Sprintf("%s: answered after %v", verb, took))
	case a.status >= 500 && a.status != http.StatusServiceUnavailable:
		s.broken = append(s.broken, fmt.Sprintf("%s: %d %s", verb, a.status, a.text))
	case a.status == http.StatusServiceUnavailable && a.retryAfter == "":
		s.broken = append(s.broken, verb+": 503 without Retry-After")
	case a.status == http.StatusServiceUnavailable && !s.away:
		s.refused++
	case !subject.explains(a):
		s.broken = append(s.broken, fmt.Sprintf("%s: %d %s", verb, a.status, a.text))
	}
	// Some of those that are over are asked about again, and most make room.
	if !subject.accepted && !subject.revoked || rand.IntN(3) == 0 {
		s.pool = append(s.pool, subject)
	}
}

// pick takes a subject out of the pool, or makes one.
func (s *soaking) pick() *subject {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.pool); n > 200 || n > 0 && rand.IntN(4) > 0 {
		i := rand.IntN(n)
		subject := s.pool[i]
		s.pool[i] = s.pool[n-1]
		s.pool = s.pool[:n-1]
		return subject
	}
	subject := &subject{email: uuid.NewString() + "@example.com", password: "Pass-" + uuid.NewString()}
	s.all = append(s.all, subject)
	return subject
}

// request asks about a subject, whom nobody else is asking about.
func (s *soaking) request(ctx context.Context, x *subject) (verb string, a answer, err error) {
	p := s.trial.process
	if len(x.tokens) == 0 {
		a, err = call(ctx, http.MethodPost, p.admin, "/", map[string]any{"email": x.email})
		if a.status == http.StatusCreated || a.status == http.StatusOK {
			x.id, x.identity, x.tokens = a.ID, a.Who, []string{a.Token}
		}
		return "invite", a, err
	}
	switch dice := rand.IntN(100); {
	case dice < 40:
		a, err = call(ctx, http.MethodGet, p.public, "/"+x.tokens[0], nil)
		return "look", a, err
	case dice < 50:
		a, err = call(ctx, http.MethodGet, p.admin, "/?page_size=10&state=pending", nil)
		return "list", a, err
	case dice < 55:
		a, err = call(ctx, http.MethodPost, p.admin, "/"+x.id.String()+"/resend", nil)
		return "resend", a, err
	case dice < 60:
		a, err = call(ctx, http.MethodPost, p.admin, "/"+x.id.String()+"/revoke", nil)
		x.revoking = true
		x.revoked = x.revoked || a.status == http.StatusOK
		x.promised = x.promised || a.status == http.StatusAccepted
		return "revoke", a, err
	}
	x.asked++
	a, err = call(ctx, http.MethodPost, p.public, "/"+x.tokens[0], map[string]any{"password": x.password})
	if x.accepted = x.accepted || a.status == http.StatusOK; a.status == http.StatusOK && x.revoked {
		err = errors.New("revoked, and then accepted")
	}
	return "accept", a, err
}

// explains says whether an answer can be, after what was asked for.
func (x *subject) explains(a answer) bool {
	switch {
	case a.status < 400 || a.status == http.StatusServiceUnavailable:
		return true
	case a.Error.ID == "invitation_accepted", a.Error.ID == "identity_already_active":
		return x.asked > 0
	case a.Error.ID == "invitation_revoked":
		return x.revoking
	}
	return a.Error.ID == "accept_in_progress" // an answer was lost, and it is not known yet what came of it
}

func (s *soaking) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
	if away {
		s.out("Kratos goes away")
	} else {
		s.out("Kratos is back")
	}
}

// spoil spoils every hundredth request to Kratos, each time in another way.
func (s *soaking) spoil(ctx context.Context) {
	kinds := []kratostest.Fault{
		{Do: kratostest.CutBefore}, {Do: kratostest.CutAfter}, {Do: kratostest.CutBody}, {Do: kratostest.Answer, Status: 503},
		{Do: kratostest.CommitAndAnswer, Status: 500}, {Delay: 3 * time.Second}, {Do: kratostest.Answer, Status: 429},
	}
	for i := 0; ctx.Err() == nil; i++ {
		fault, passed := kinds[i%len(kinds)], make(chan struct{})
		fault.Skip, fault.Times = 99, 1
		fault.Arrived = sync.OnceFunc(func() { close(passed) })
		remove := s.fake.Inject(fault)
		select {
		case <-passed:
		case <-ctx.Done():
		}
		remove()
	}
}
