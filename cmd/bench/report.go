package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// report collects the results and prints them as Markdown.
type report struct {
	goals, work, sizes, stores, memory []string // rows
}

// compare adds the figures of ways that took turns.
func (r *report) compare(all []series) {
	for _, s := range all {
		ms := func(name string) string { return figure(median(s.cpu(name)), s.way.uses(name)) }
		clients := "–"
		if s.clients > 0 {
			clients = fmt.Sprint(s.clients)
		}
		r.work = append(r.work, row(s.way.name, clients,
			fmt.Sprintf("%.4g", median(s.rates())), fmt.Sprintf("%.0f %%", 100*spread(s.rates())),
			ms(cpuBridge), ms(cpuKratos), ms(cpuDatabase), ms(cpuReceiver), ms(cpuClient),
			figure(median(s.each(func(t turn) float64 { return t.commits / float64(t.ops) })), s.way.bridge != nil),
			figure(median(s.each(func(t turn) float64 { return t.requests / float64(t.ops) })), s.way.kratos != nil),
			fmt.Sprintf("%.0f %%", 100*median(s.each(func(t turn) float64 { return t.others })))))
	}
}

// uses reports whether a process takes part in a way.
func (w *way) uses(process string) bool {
	switch process {
	case cpuBridge:
		return w.bridge != nil
	case cpuKratos, cpuDatabase:
		return w.kratos != nil
	case cpuReceiver:
		return w.receives
	}
	return true
}

func figure(value float64, known bool) string {
	if !known {
		return "–"
	}
	return fmt.Sprintf("%.2f", value)
}

func megabytes(kib int) string { return fmt.Sprintf("%.1f MB", float64(kib)*1024/mega) }

// ratio adds the ratio of two rates. It should reach goal; 0: there is no goal.
func (r *report) ratio(what string, of, by series, goal float64) {
	values := ratios(of.rates(), by.rates())
	r.goal(what, "%.2f", values, least(goal), noise(values, of, by))
}

// growth adds the ratio of the times for one call. It should not exceed goal.
func (r *report) growth(what string, of, by series, goal float64) {
	values := ratios(by.rates(), of.rates())
	r.goal(what, "%.2f", values, most(goal), noise(values, of, by))
}

// share adds the CPU time of the bridge in relation to what Kratos and its database
// use for the bare call. It should not exceed goal.
func (r *report) share(what string, of, bare series, goal float64) {
	values := ratios(of.cpu(cpuBridge), bare.cpu(cpuKratos, cpuDatabase))
	r.goal(what, "%.2f", values, most(goal), noise(values, of, bare))
}

// limit is what a value should reach, or not exceed. The zero value is no goal.
type limit struct {
	sign  string
	value float64
}

func least(value float64) limit { return limit{"≥ ", value} }
func most(value float64) limit  { return limit{"≤ ", value} }

// goal adds the median of the values of all rounds to the table of goals. noise says
// why it cannot be judged, if so.
func (r *report) goal(what, format string, values []float64, l limit, noise string) {
	value, rounds, goal, verdict := median(values), "", "", ""
	if len(values) > 1 {
		rounds = fmt.Sprintf(format+" – "+format, slices.Min(values), slices.Max(values))
	}
	if l.value != 0 {
		goal, verdict = l.sign+fmt.Sprintf(format, l.value), "missed"
		if l.sign == "≥ " && value >= l.value || l.sign == "≤ " && value <= l.value {
			verdict = "reached"
		}
	}
	if noise != "" {
		verdict = "too noisy to judge: " + noise
	}
	r.goals = append(r.goals, row(what, fmt.Sprintf(format, value), rounds, goal, verdict))
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// size adds what one operation takes, in milliseconds, with an empty and a full store.
func (r *report) size(operation string, empty, full float64) {
	r.sizes = append(r.sizes, row(operation, fmt.Sprintf("%.2f ms", empty), fmt.Sprintf("%.2f ms", full), fmt.Sprintf("%.2f", full/empty)))
}

// print prints all tables that are not empty.
func (r *report) print(w io.Writer) {
	for _, t := range []struct {
		heading []string
		rows    []string
	}{
		{[]string{"", "median", "rounds", "goal", ""}, r.goals},
		{[]string{"work", "at once", "per second", "spread", "CPU in ms: bridge", "Kratos", "database", "receiver", "client",
			"commits", "requests to Kratos", "other processes"}, r.work},
		{[]string{"size", "empty", "full", "full / empty"}, r.sizes},
		{[]string{"store", "disk", "anonymous memory of its bridge"}, r.stores},
		{[]string{"memory", "time", "peak", "at the end", "goroutines, peak", "at the end"}, r.memory},
	} {
		if len(t.rows) > 0 {
			fmt.Fprint(w, "\n", row(t.heading...), "|"+strings.Repeat("---|", len(t.heading))+"\n", strings.Join(t.rows, ""))
		}
	}
}
