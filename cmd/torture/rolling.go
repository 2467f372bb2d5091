package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// rolling stops one replica after the other under load and starts it again, as an
// upgrade does.
func rolling(ctx context.Context, o options) error {
	o.patience = patience
	l, err := newLoaded(ctx, o, nil)
	if err != nil {
		return err
	}
	defer l.close()
	l.away = false
	stops := 0
	var longest time.Duration
	err = l.during(ctx, func(ctx context.Context) error {
		for range o.rounds {
			for _, p := range l.replicas() {
				if err := pause(ctx, time.Second); err != nil {
					return err
				}
				took, err := p.stop(ctx)
				if err != nil {
					return err
				}
				stops, longest = stops+1, max(longest, took)
				if err := l.trial.bridges.start(ctx); err != nil {
					return err
				}
				if err := l.awaitReady(ctx); err != nil {
					return err
				}
			}
		}
		return l.trial.bridges.(*replicas).proxy.fault()
	})
	if err == nil {
		err = l.checkEmails()
	}
	asked := 0
	for _, n := range l.answers {
		asked += n
	}
	l.out("%d replicas stopped and started again under %d requests a second, %d in all: %d cut at one that was stopping; slowest stop %v, slowest response %v",
		stops, o.rate, asked, l.cut, longest.Round(time.Millisecond), l.slowest.Round(time.Millisecond))
	return err
}

// checkEmails checks that stops have duplicated no email, and that none of the
// requests was refused. Only a kill may duplicate one.
func (l *loaded) checkEmails() error {
	if l.cut > 0 {
		return nil // the client repeats what was cut
	}
	for _, x := range l.all {
		if n := l.trial.env.emailCount(x.email); n > 1+x.resent {
			return fmt.Errorf("%d emails to an address that was invited once and reminded %d times", n, x.resent)
		}
	}
	if l.refused > 0 {
		return fmt.Errorf("%d requests were answered 503", l.refused)
	}
	return nil
}

// stop ends a bridge as an operator does, and returns how long it took.
func (p *process) stop(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	p.stopping.Store(true)
	defer p.stopping.Store(false)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return 0, fmt.Errorf("the bridge stopped with exit code %d", code)
	}
	return time.Since(begin), nil
}
