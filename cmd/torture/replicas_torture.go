package main

import (
	"context"
	"errors"
)

// tortureReplicas runs all scenarios with several replicas.
func tortureReplicas(ctx context.Context, o options) error {
	f, _, stop, err := startFleet(ctx, o)
	if err != nil {
		return err
	}
	defer stop()
	t := &table{out: o.out}
	t.head(o, f.kratos.lease())
	var trials []func() error
	for _, s := range scenarios {
		s = s.forReplicas()
		for _, point := range o.pointsOf(s) {
			trials = append(trials, func() error {
				result, err := killReplicas(ctx, s, f, point, o.kills, o.slack)
				t.row(s.name, point, result, err)
				return ctx.Err()
			})
		}
	}
	err = together(trials, o.parallel)
	err = errors.Join(err, t.verdict())
	if err == nil && (len(trials) == 0 || o.kills < 1) {
		err = errors.New("no failpoint was tested: check -kills and -points")
	}
	return err
}

// forReplicas returns a scenario whose state becomes due just before the kill: the
// living replicas would not leave it for later.
func (s scenario) forReplicas() scenario {
	switch s.name {
	case "expire", "delete":
		s.prepare, s.beforeKill = nothing, inviteForAMoment
	case "renew":
		s.prepare, s.beforeKill = nothing, inviteForAMoment
	case "reconcile":
		s.prepare, s.beforeKill = nothing, leaveClaim
	}
	return s
}

func inviteForAMoment(ctx context.Context, t *trial, s *subject) error {
	return inviteFor(ctx, t, s, "2s")
}
