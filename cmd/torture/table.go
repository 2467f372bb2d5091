package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// result is the result of all kills at one failpoint.
type result struct {
	kills    int
	broken   []string      // one line for each violation
	recovery time.Duration // the longest wait of a client after the last start
}

func (r *result) add(other result) {
	r.kills += other.kills
	r.broken = append(r.broken, other.broken...)
	r.recovery = max(r.recovery, other.recovery)
}

// table prints Markdown, row by row. It is safe for concurrent use.
type table struct {
	out    io.Writer
	mu     sync.Mutex
	broken []error
}

func (t *table) head(o options, lease time.Duration) {
	against := "the fake Kratos"
	if o.kratos {
		against = "a real Kratos"
	}
	if o.replicas > 0 {
		against += fmt.Sprintf(", %d replicas on PostgreSQL", o.replicas)
	}
	fmt.Fprintf(t.out, "Kills at each failpoint, against %s. A claim's lease is %v.\n\n", against, lease)
	fmt.Fprintf(t.out, "| scenario          | %-42s | kills | broken | worst recovery |\n|-------------------|%s|------:|-------:|---------------:|\n", "failpoint", strings.Repeat("-", 44))
}

// row prints the result of a failpoint. With err, it could not be tested to the end.
func (t *table) row(scenario, point string, r result, err error) {
	if err != nil {
		r.broken = append(r.broken, err.Error())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "| %-17s | %-42s | %5d | %6d | %14s |\n", scenario, "`"+point+"`", r.kills, len(r.broken), r.recovery.Round(time.Millisecond))
	for i, line := range r.broken {
		if i == 5 {
			line = fmt.Sprintf("and %d more", len(r.broken)-i)
		}
		fmt.Fprintln(t.out, "  "+line)
		t.broken = append(t.broken, fmt.Errorf("%s %s: %s", scenario, point, line))
		if i == 5 {
			break
		}
	}
}

// verdict returns what the rows have shown to be broken, or nil.
func (t *table) verdict() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.broken) == 0 {
		return nil
	}
	return errors.Join(append([]error{errBroken}, t.broken...)...)
}
