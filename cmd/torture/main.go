// Command torture kills a bridge at every failpoint, restarts it, and checks the
// result from outside: over HTTP, in Kratos, in the webhooks and emails that
// arrive, and in the store file. With the argument "kratos" it kills the fake Kratos
// instead, at each request of an import.
//
// It builds the bridge with failpoints and runs it as a process. For each
// failpoint in failpoints.go it kills the process there -kills times, while a
// client sends a request about an invitation of its own. After at most a hundred
// kills of one bridge the clients repeat their requests, as real clients do, and
// every invariant is checked for each invitation. The command prints a table, and
// exits with 1 if any invariant was violated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"invitebridge/kratos/kratostest"
)

func main() {
	o := options{out: os.Stdout}
	flag.IntVar(&o.kills, "kills", 20, "number of kills at each failpoint")
	flag.IntVar(&o.parallel, "parallel", 8, "number of failpoints tested at once; most of the time is spent waiting")
	flag.IntVar(&o.slack, "slack", 1, "factor for the time limits of clients, for a machine shared with other work")
	flag.BoolVar(&o.kratos, "kratos", false, "use a real Kratos instead of the fake one")
	flag.DurationVar(&o.soak, "soak", 0, "instead of kills, run a steady load for this long")
	flag.DurationVar(&o.away, "away", 0, "with -soak: make Kratos unavailable for this long in the middle")
	flag.IntVar(&o.replicas, "replicas", 0, "kill one of this many replicas on PostgreSQL, while the others live on")
	flag.IntVar(&o.rounds, "rounds", 20, "with -replicas and the name of an experiment: how often it is repeated")
	flag.IntVar(&o.clients, "clients", 1000, "with contention: number of clients at once")
	flag.IntVar(&o.rate, "rate", 40, "with outages and the like: requests a second")
	pattern := flag.String("points", "", "only test failpoints whose \"scenario name\" matches this regular `expression`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	o.only, err = regexp.Compile(*pattern)
	switch {
	case err != nil:
	case o.soak > 0:
		err = soak(ctx, o)
	case flag.Arg(0) == "kratos":
		err = killKratos(ctx, o)
	case flag.NArg() > 0:
		err = experiment(ctx, flag.Arg(0), o)
	case o.replicas > 0:
		err = tortureReplicas(ctx, o)
	default:
		err = torture(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // nothing else is deferred
	}
}

// experiments are what else replicas go through, by name.
var experiments = map[string]func(context.Context, options) error{
	"contention": contend,
	"outages":    outages,
	"silences":   silences,
	"drops":      drops,
	"failovers":  failovers,
	"histories":  histories,
	"clocks":     clocks,
	"rolling":    rolling,
}

func experiment(ctx context.Context, name string, o options) error {
	run := experiments[name]
	if run == nil || o.replicas < 2 || o.rounds < 1 {
		return fmt.Errorf("pass -replicas 3 and one of %q", slices.Sorted(maps.Keys(experiments)))
	}
	return run(ctx, o)
}

// options are the command line options.
type options struct {
	kills, parallel int
	slack           int
	kratos          bool
	replicas        int
	rounds, clients int                  // of an experiment
	rate            int                  // requests a second, of an experiment
	clocks          []time.Duration      // how far those of the replicas are ahead; nil: not at all
	patience        time.Duration        // time for Kratos; 0: as with one bridge
	postgres        *kratostest.Postgres // nil: a server of its own
	short           bool                 // of some scenarios, only a sample of their failpoints
	soak, away      time.Duration
	only            *regexp.Regexp
	out             io.Writer
}

var errBroken = errors.New("invariants were violated")

// torture runs all scenarios.
func torture(ctx context.Context, o options) error {
	binary, remove, err := build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	identities, stop, err := startKratos(ctx, o.kratos)
	if err != nil {
		return err
	}
	defer stop()
	t := &table{out: o.out}
	t.head(o, identities.lease())
	chosen := 0
	pools, running := errgroup.WithContext(ctx)
	var waiting, busy []func() error
	for _, s := range scenarios {
		for _, point := range o.pointsOf(s) {
			chosen++
			trial := func() error {
				result, err := killAll(running, s, point, o.kills, o.slack, binary, identities)
				if err := running.Err(); err != nil {
					return err
				}
				t.row(s.name, point, result, err) // if only this failpoint failed, continue with the others
				return nil
			}
			if s.claims || s.dueAt != nil {
				waiting = append(waiting, trial)
			} else {
				busy = append(busy, trial)
			}
		}
	}
	// Trials that wait for a lease or an expiry need little CPU. As many of the others
	// at once would slow down all of them.
	pools.Go(func() error { return together(waiting, o.parallel) })
	pools.Go(func() error { return together(busy, max(1, o.parallel/8)) })
	err = pools.Wait()
	err = errors.Join(err, t.verdict())
	// Run without load: a slow bridge passes other failpoints, see checkPointNames.
	var comparisons []func() error
	for _, s := range scenarios {
		comparisons = append(comparisons, func() error { return checkPointNames(ctx, s, binary, identities) })
	}
	err = errors.Join(err, together(comparisons, max(1, o.parallel/8)))
	if err == nil && (chosen == 0 || o.kills < 1) {
		err = errors.New("no failpoint was tested: check -kills and -points")
	}
	return err
}

// pointsOf returns the failpoints of a scenario that are tested.
func (o options) pointsOf(s scenario) []string {
	points := s.points
	if o.short && s.sample != nil {
		points = s.sample
	}
	return slices.DeleteFunc(slices.Clone(points), func(p string) bool { return !o.only.MatchString(s.name + " " + p) })
}

// together runs all functions, at most limit at once, and returns the first error.
func together(all []func() error, limit int) error {
	var running errgroup.Group
	running.SetLimit(limit)
	for _, one := range all {
		running.Go(one)
	}
	return running.Wait()
}
