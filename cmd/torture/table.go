package main

import (
	"fmt"
	"io"
	"strings"
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

// table prints Markdown, row by row.
type table struct{ out io.Writer }

func (t table) head(o options, lease time.Duration) {
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

func (t table) row(scenario, point string, r result) {
	fmt.Fprintf(t.out, "| %-17s | %-42s | %5d | %6d | %14s |\n", scenario, "`"+point+"`", r.kills, len(r.broken), r.recovery.Round(time.Millisecond))
	for i, line := range r.broken {
		if i == 5 {
			fmt.Fprintf(t.out, "  and %d more\n", len(r.broken)-i)
			break
		}
		fmt.Fprintln(t.out, "  "+line)
	}
}
