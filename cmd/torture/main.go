// Command torture kills a bridge wherever it can be killed, starts it again, and
// looks from outside at what came of it: over HTTP, in Kratos, at what arrived
// as webhook and as mail, and in the file of the store.
//
// It builds the bridge with failpoints, and runs it as a process. For each failpoint
// of points.go it has the process killed there as often as it is told, while
// somebody asks for something about an invitation of its own. After a hundred
// kills of one bridge at most the clients repeat what they asked for, as clients
// do, and every invariant is checked of each invitation. It prints a table, and
// exits with 1 if anything was broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	o := options{out: os.Stdout}
	flag.IntVar(&o.kills, "kills", 20, "how often the process is killed at each failpoint")
	flag.IntVar(&o.parallel, "parallel", 8, "how many failpoints at once: much of the time is spent waiting")
	flag.IntVar(&o.slack, "slack", 1, "how many times as long as on a machine of its own a client may wait")
	flag.BoolVar(&o.kratos, "kratos", false, "against a real Kratos, not against a fake one")
	flag.DurationVar(&o.soak, "soak", 0, "no kills, but a steady load for so long")
	flag.DurationVar(&o.away, "away", 0, "in the middle of it, Kratos is away for so long")
	pattern := flag.String("points", "", "only the failpoints whose \"scenario name\" this regular `expression` matches")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	o.only, err = regexp.Compile(*pattern)
	switch {
	case err != nil:
	case o.soak > 0:
		err = soak(ctx, o)
	default:
		err = torture(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // there is nothing else to be left
	}
}

// options are what a run is told.
type options struct {
	kills, parallel int
	slack           int
	kratos          bool
	soak, away      time.Duration
	only            *regexp.Regexp
	out             io.Writer
}

var errBroken = errors.New("something is broken: see the table")

// torture goes through all scenarios.
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
	t := table{out: o.out}
	t.head(o, identities.lease())
	chosen := 0
	pools, running := errgroup.WithContext(ctx)
	var waiting, busy []func() error
	var mu sync.Mutex
	var broken error
	for _, s := range scenarios {
		for _, point := range slices.DeleteFunc(slices.Clone(s.points), func(p string) bool { return !o.only.MatchString(s.name + " " + p) }) {
			chosen++
			trial := func() error {
				result, err := killAll(running, s, point, o.kills, o.slack, binary, identities)
				if err := running.Err(); err != nil {
					return err
				}
				if err != nil { // of this failpoint: the others go on
					result.broken = append(result.broken, err.Error())
				}
				mu.Lock()
				defer mu.Unlock()
				t.row(s.name, point, result)
				if len(result.broken) > 0 {
					broken = errBroken
				}
				return nil
			}
			if s.claims || s.ripe != nil {
				waiting = append(waiting, trial)
			} else {
				busy = append(busy, trial)
			}
		}
	}
	// Most of what waits for a lease or an expiry needs no machine. The rest would
	// make one too slow for all, if as many ran at once.
	pools.Go(func() error { return together(waiting, o.parallel) })
	pools.Go(func() error { return together(busy, max(1, o.parallel/8)) })
	err = pools.Wait()
	err = errors.Join(err, broken) // read when all have ended
	// In peace: who is slow passes others, see named.
	var comparisons []func() error
	for _, s := range scenarios {
		comparisons = append(comparisons, func() error { return named(ctx, s, binary, identities) })
	}
	err = errors.Join(err, together(comparisons, max(1, o.parallel/8)))
	if err == nil && (chosen == 0 || o.kills < 1) {
		err = errors.New("nothing was killed")
	}
	return err
}

// together runs all, so many at once, and gives the first error.
func together(all []func() error, limit int) error {
	var running errgroup.Group
	running.SetLimit(limit)
	for _, one := range all {
		running.Go(one)
	}
	return running.Wait()
}
