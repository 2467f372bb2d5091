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

// soakTest is a bridge under a steady load, with a Kratos that fails one of a
// hundred requests and may be unavailable for a while.
type soakTest struct {
	trial *trial
	fake  *kratostest.Fake
	out   func(format string, args ...any)

	mu      sync.Mutex
	pool    []*subject // available for the next request
	all     []*subject
	answers map[string]int
	slowest time.Duration
	broken  []string
	away    bool
	asked   int // requests while Kratos was available
	refused int // those of them answered 503
	samples []sample

	cut       int           // requests that got no response from a replica that was stopping
	perSecond int           // requests
	limit     time.Duration // of each response
}

const (
	soakRate   = 50
	answerTime = 10 * time.Second // within which every caller gets a response
)

// soak runs the load and then checks everything.
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
	if err := t.bridges.start(ctx); err != nil {
		return err
	}
	defer t.bridges.kill()
	s := &soakTest{trial: t, fake: fake, answers: make(map[string]int), perSecond: soakRate, limit: answerTime, out: func(f string, a ...any) { fmt.Fprintf(o.out, f+"\n", a...) }}
	s.out("%d requests a second for %v; one of a hundred requests to Kratos fails; Kratos is unavailable for %v of that time", soakRate, o.soak+o.away, o.away)
	injecting, stop := context.WithCancel(ctx)
	defer stop()
	go s.injectFaults(injecting)
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
	s.repeatRequests(ctx)
	return s.verdict(ctx)
}

// load sends requests at a fixed rate and reports on the process every minute.
func (s *soakTest) load(ctx context.Context, d time.Duration) {
	end := make(chan struct{})
	defer time.AfterFunc(d, func() { close(end) }).Stop()
	s.loadUntil(ctx, end)
}

func (s *soakTest) loadUntil(ctx context.Context, end <-chan struct{}) {
	var asking sync.WaitGroup
	ticker, minute := time.NewTicker(time.Second/time.Duration(s.perSecond)), time.NewTicker(time.Minute)
	defer ticker.Stop()
	defer minute.Stop()
	s.report(ctx)
	for {
		select {
		case <-ticker.C:
			asking.Go(func() { s.ask(ctx) })
		case <-minute.C:
			s.report(ctx)
		case <-end:
			asking.Wait()
			s.report(ctx)
			return
		case <-ctx.Done():
			asking.Wait()
			return
		}
	}
}

// ask sends one request of a random kind.
func (s *soakTest) ask(ctx context.Context) {
	subject := s.pick()
	ctx = asClient(ctx, subject.email)
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
	case err != nil && s.cut < s.stoppingCuts():
		s.cut++
	case err != nil:
		s.broken = append(s.broken, fmt.Sprintf("%s: no answer: %v", verb, err))
	case took > s.limit:
		s.broken = append(s.broken, fmt.Sprintf("%s: answered after %v", verb, took))
	case a.status >= 500 && a.status != http.StatusServiceUnavailable:
		s.broken = append(s.broken, fmt.Sprintf("%s: %d %s", verb, a.status, a.text))
	case a.status == http.StatusServiceUnavailable && a.retryAfter == "":
		s.broken = append(s.broken, verb+": 503 without Retry-After")
	case a.status == http.StatusServiceUnavailable && !s.away:
		s.refused++
	case !subject.allows(a) && (!s.several() || !a.isLocked()):
		s.broken = append(s.broken, fmt.Sprintf("%s: %d %s", verb, a.status, a.text))
	}
	// Some of those that are over are asked about again, and most make room.
	if !subject.accepted && !subject.revoked || rand.IntN(3) == 0 {
		s.pool = append(s.pool, subject)
	}
}

// pick takes a subject out of the pool or creates one.
func (s *soakTest) pick() *subject {
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

// request sends a request about a subject that no other request is using.
func (s *soakTest) request(ctx context.Context, x *subject) (verb string, a answer, err error) {
	p := s.trial
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
		return "preview", a, err
	case dice < 50:
		a, err = call(ctx, http.MethodGet, p.admin, "/?page_size=10&state=pending", nil)
		return "list", a, err
	case dice < 55:
		x.resent++
		a, err = call(ctx, http.MethodPost, p.admin, "/"+x.id.String()+"/resend", nil)
		return "resend", a, err
	case dice < 60:
		a, err = call(ctx, http.MethodPost, p.admin, "/"+x.id.String()+"/revoke", nil)
		x.revoking = true
		x.revoked = x.revoked || a.status == http.StatusOK
		x.revocationAccepted = x.revocationAccepted || a.status == http.StatusAccepted
		return "revoke", a, err
	}
	x.attempts++
	a, err = call(ctx, http.MethodPost, p.public, "/"+x.tokens[0], map[string]any{"password": x.password})
	if x.accepted = x.accepted || a.status == http.StatusOK; a.status == http.StatusOK && x.revoked {
		err = errors.New("accepted after it was revoked")
	}
	return "accept", a, err
}

// several reports whether there are replicas.
func (s *soakTest) several() bool { return s.trial.process == nil }

// stoppingCuts returns how many requests stopping replicas have cut.
func (s *soakTest) stoppingCuts() int {
	if r, ok := s.trial.bridges.(*replicas); ok {
		return r.proxy.cutCount()
	}
	return 0
}

// isLocked reports whether another request has the lease of the address: it may be
// one that lost the database before it could give the lease back.
func (a answer) isLocked() bool {
	return a.Error.ID == "identity_conflict" && a.retryAfter != ""
}

// allows reports whether a response is possible after the requests made so far.
func (x *subject) allows(a answer) bool {
	switch {
	case a.status < 400 || a.status == http.StatusServiceUnavailable:
		return true
	case a.Error.ID == "invitation_accepted", a.Error.ID == "identity_already_active":
		return x.attempts > 0
	case a.Error.ID == "invitation_revoked":
		return x.revoking
	}
	return a.Error.ID == "accept_in_progress" // an earlier response was lost and its outcome is not resolved yet
}

func (s *soakTest) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
	if away {
		s.out("Kratos becomes unavailable")
	} else {
		s.out("Kratos is available again")
	}
}

// injectFaults makes every hundredth request to Kratos fail, each time in another
// way.
func (s *soakTest) injectFaults(ctx context.Context) {
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
