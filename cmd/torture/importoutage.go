package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"invitebridge/kratos/kratostest"
)

// importRequests is how many requests an import sends to Kratos.
var importRequests = len(slices.DeleteFunc(slices.Clone(importPoints), func(p string) bool { return !strings.HasPrefix(p, "import.request") }))

// killKratos kills the fake Kratos at each request of an import, before and after the
// effect of that request, and starts it again. The bridge goes on running.
func killKratos(ctx context.Context, o options) error {
	binary, remove, err := build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	at := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == "import" })
	t := &table{out: o.out}
	t.head(o, fakeIdentities(&kratostest.Fake{}).lease())
	var trials []func() error
	for n := range importRequests {
		for name, do := range map[string]kratostest.Action{"before": kratostest.CutBefore, "after": kratostest.CutAfter} {
			point := fmt.Sprintf("kratos.request%d.%s", n+1, name)
			if !o.only.MatchString(point) {
				continue
			}
			trials = append(trials, func() error {
				r, err := killKratosAt(ctx, scenarios[at], kratostest.Fault{Skip: n, Times: 1, Do: do}, o, binary)
				t.row("import", point, r, err)
				return ctx.Err()
			})
		}
	}
	err = together(trials, o.parallel)
	if len(trials) == 0 || o.kills < 1 {
		err = errors.New("no request was tested: check -kills and -points")
	}
	return errors.Join(err, t.verdict())
}

// killKratosAt kills a Kratos at one request, o.kills times, for an import each.
func killKratosAt(ctx context.Context, s scenario, fault kratostest.Fault, o options, binary string) (r result, err error) {
	fake, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		return r, err
	}
	defer fake.Close()
	t, remove, err := newTrial(ctx, s, o.kills, binary, fakeIdentities(fake))
	if err != nil {
		return r, err
	}
	defer remove()
	if err := t.bridges.start(ctx); err != nil {
		return r, err
	}
	defer t.bridges.kill()
	for _, x := range t.subjects {
		if err := t.prepareOne(ctx, x); err != nil {
			return r, err
		}
		longest, err := t.importWithout(ctx, fake, fault, x, time.Duration(o.slack)*importLimit)
		if errors.Is(err, errNotReached) {
			continue
		}
		r.kills++
		r.recovery = max(r.recovery, longest)
		if err != nil {
			r.broken = append(r.broken, fmt.Sprintf("%s: %v", x.id, err))
		}
	}
	if r.kills == 0 {
		r.broken = append(r.broken, errNotReached.Error())
	}
	r.broken = append(r.broken, t.checkAll(ctx)...)
	return r, ctx.Err()
}

// importLimit is the time for the end of an import after Kratos is back: its pause is
// doubled after each failure.
const importLimit = 15 * time.Second

var errNotReached = errors.New("the request was not reached")

// importWithout imports the file of a subject while Kratos is killed and started again,
// and returns how long the import took then.
func (t *trial) importWithout(ctx context.Context, fake *kratostest.Fake, fault kratostest.Fault, s *subject, limit time.Duration) (took time.Duration, err error) {
	killed := make(chan struct{})
	fault.Arrived = sync.OnceFunc(func() { fake.Down(); close(killed) })
	remove := fake.Inject(fault)
	ended := make(chan error, 1)
	go func() { ended <- within(ctx, limit, func() error { return importFile(ctx, t, s) }) }()
	select {
	case <-killed:
	case err := <-ended:
		remove()
		return 0, errors.Join(errNotReached, err)
	}
	remove()
	if err := pause(ctx, randomly(0, 300*time.Millisecond)); err != nil {
		return 0, err
	}
	if err := fake.Up(); err != nil {
		return 0, err
	}
	begin := time.Now()
	select {
	case err = <-ended:
	case <-time.After(limit):
		err = fmt.Errorf("it has not ended %v later: %w", limit, t.importsEnded(ctx))
	}
	return time.Since(begin), err
}
