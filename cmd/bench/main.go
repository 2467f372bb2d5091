// Command bench measures the bridge against bare calls of Kratos for the same work,
// and prints the results as Markdown, next to the goals of the project.
//
// It builds the bridge as a release is built, starts it as a process against the
// Kratos that KRATOS_BIN names and the database that KRATOS_DSN names, and lets the
// bridge and the bare calls take turns, so that other load on the machine affects
// both. A ratio is the median of the ratios of all rounds. Where the machine was too
// noisy, the table says so. All servers listen on loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"invitebridge/kratos/kratostest"
)

func main() {
	if runHelper() {
		return
	}
	o := options{out: os.Stdout}
	only := flag.String("only", "", "run only these `sections`, separated by commas: "+strings.Join(names(), ", "))
	flag.IntVar(&o.turns, "turns", 5, "number of turns of each way of doing the work")
	flag.DurationVar(&o.turn, "turn", 2*time.Second, "length of a turn")
	flag.IntVar(&o.pending, "pending", 1_000_000, "number of pending invitations in the sections size and postgres; each takes about 2 kB of disk")
	flag.IntVar(&o.rows, "rows", 100_000, "number of rows in the section import-memory")
	flag.StringVar(&o.profile, "profile", "", "write the bridges' CPU profile to `FILE`, for go tool pprof; recording it costs time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // nothing else is deferred
	}
}

// options are the command line options.
type options struct {
	turns   int
	turn    time.Duration
	pending int
	rows    int
	profile string // a file, or "" for none
	out     io.Writer
}

// section is a part of the benchmark that can be run alone.
type section struct {
	name string
	run  func(context.Context, *stage) error
}

var sections = []section{
	{"invite", measureInvite},
	{"mail", measureMail},
	{"mine", measureMine},
	{"accept", measureAccept(cheapBcrypt, clientCounts)},
	{"accept12", measureAccept(defaultBcrypt, []int{4})},
	{"outbox", measureOutbox},
	{"alone", measureAlone},
	{"import", measureImport},
	{"import-memory", measureImportMemory},
	{"footprint", measureFootprint},
	{"size", measureSize},
	{"memory", measureMemory},
	{"postgres", measurePostgres},
	{"postgres", measurePostgresSize},
	{"postgres12", measurePostgres12},
}

func names() (all []string) {
	for _, s := range sections {
		all = append(all, s.name)
	}
	return slices.Compact(all)
}

// bench is one run of the program.
type bench struct {
	options   options
	dir       string // temporary
	binary    string // the bridge
	kratos    string // Kratos' binary
	database  *database
	addresses addresses
	report    report
}

// run runs the sections that only names, or all.
func run(ctx context.Context, o options, only string) (err error) {
	if o.turns < 1 || o.turn <= 0 || o.pending < 1 || o.rows < 1 {
		return errors.New("-turns, -turn, -pending and -rows must be positive")
	}
	var chosen []string
	if only != "" {
		chosen = strings.Split(only, ",")
	}
	for _, name := range chosen {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("there is no section %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	b := &bench{options: o, addresses: addresses{run: strconv.FormatUint(rand.Uint64(), 36)}}
	if b.dir, err = os.MkdirTemp("", "invitebridge-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.progress("building the bridge and Kratos")
	tags := ""
	if o.profiled() {
		tags = "profile"
	}
	if b.binary, err = buildBridge(ctx, b.dir, tags); err != nil {
		return err
	}
	if b.kratos, err = kratostest.Build(ctx, os.Stderr); err != nil {
		return err
	}
	if b.database, err = openDatabase(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.database.close()) }()
	b.printMachine(ctx)
	defer func() { b.report.print(o.out) }() // what was measured, even after a failure
	for _, s := range sections {
		if len(chosen) > 0 && !slices.Contains(chosen, s.name) {
			continue
		}
		if strings.HasPrefix(s.name, "postgres") && b.database.private == nil {
			b.progress("a part of the section %s is left out: it needs the PostgreSQL that is started for the run", s.name)
			continue
		}
		started := &stage{bench: b, turn: o.turn}
		err := s.run(ctx, started)
		if err = errors.Join(err, started.close()); err != nil {
			return fmt.Errorf("section %s: %w", s.name, err)
		}
	}
	if o.profiled() {
		return b.mergeProfiles(ctx)
	}
	return nil
}

// progress tells people what is going on.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
