package main

import (
	"strings"
	"testing"
	"time"
)

// at makes a series of turns with these rates, in which the bridge uses 1 ms for each
// call, Kratos and its database 2 ms each, and other processes a share of the machine.
func at(others float64, rates ...int) series {
	s := series{way: &way{name: "way"}, clients: 1}
	for _, rate := range rates {
		each := func(d time.Duration) time.Duration { return d * time.Duration(rate) }
		s.turns = append(s.turns, turn{ops: rate, took: time.Second, others: others, cpu: map[string]time.Duration{
			cpuBridge: each(time.Millisecond), cpuKratos: each(2 * time.Millisecond), cpuDatabase: each(2 * time.Millisecond),
		}})
	}
	return s
}

// TestReport_ratio: the ratio is the median of those of the rounds, and judged only if
// the machine was quiet.
func TestReport_ratio(t *testing.T) {
	for name, c := range map[string]struct {
		of, by series
		goal   float64
		want   string
	}{
		"reached":               {at(0, 90, 80, 100), at(0, 100, 100, 100), 0.9, "| x | 0.90 | 0.80 – 1.00 | ≥ 0.90 | reached |"},
		"missed":                {at(0, 90, 80, 80), at(0, 100, 100, 100), 0.9, "| x | 0.80 | 0.80 – 0.90 | ≥ 0.90 | missed |"},
		"no goal":               {at(0, 90), at(0, 100), 0, "| x | 0.90 |  |  |  |"},
		"a slower machine":      {at(0, 90, 45, 90), at(0, 100, 50, 100), 0.9, "| x | 0.90 | 0.90 – 0.90 | ≥ 0.90 | reached |"},
		"slower within a round": {at(0, 50, 100, 100), at(0, 100, 100, 80), 0.9, "| x | 1.00 | 0.50 – 1.25 | ≥ 0.90 | too noisy to judge: it differs"},
		"other processes":       {at(0.2, 90, 90, 90), at(0, 100, 100, 100), 0.9, "| ≥ 0.90 | too noisy to judge: other processes"},
		"others in one round":   {at(0, 90, 90, 90), at(0, 100, 100, 100), 0.9, "| reached |"},
	} {
		t.Run(name, func(t *testing.T) {
			var r report
			if name == "others in one round" {
				c.of.turns[1].others = 0.5
			}
			r.ratio("x", c.of, c.by, c.goal)
			if got := r.goals[0]; !strings.Contains(got, c.want) {
				t.Errorf("%q instead of %q", got, c.want)
			}
		})
	}
}

func TestReport_share(t *testing.T) {
	var r report
	r.share("x", at(0, 50, 50), at(0, 100, 100), 0.25)
	r.share("x", at(0, 50, 50), at(0, 100, 100), 0.2)
	if got := strings.Join(r.goals, ""); got != "| x | 0.25 | 0.25 – 0.25 | ≤ 0.25 | reached |\n| x | 0.25 | 0.25 – 0.25 | ≤ 0.20 | missed |\n" {
		t.Error(got)
	}
}

func TestReport_growth(t *testing.T) {
	var r report
	r.growth("x", at(0, 50, 50), at(0, 60, 60), 1.2)
	r.growth("x", at(0, 50, 50), at(0, 65, 65), 1.2)
	if got := strings.Join(r.goals, ""); got != "| x | 1.20 | 1.20 – 1.20 | ≤ 1.20 | reached |\n| x | 1.30 | 1.30 – 1.30 | ≤ 1.20 | missed |\n" {
		t.Error(got)
	}
}

// TestReport_print: a table without rows is left out, and each row has a cell for each
// heading.
func TestReport_print(t *testing.T) {
	var r report
	r.compare([]series{at(0, 100)})
	r.size("open", 2, 3)
	var out strings.Builder
	r.print(&out)
	tables := strings.Split(strings.TrimSpace(out.String()), "\n\n")
	if len(tables) != 2 {
		t.Fatalf("%d tables: %s", len(tables), out.String())
	}
	for _, table := range tables {
		lines := strings.Split(table, "\n")
		for _, line := range lines {
			if strings.Count(line, "|") != strings.Count(lines[0], "|") {
				t.Errorf("a row of another length: %s", line)
			}
		}
	}
}
