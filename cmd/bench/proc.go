package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc. Linux uses it on all common
// architectures.
const tick = time.Second / 100

// process is what /proc says about a process.
type process struct {
	pid, parent int
	name        string
	own         time.Duration // CPU time of the process
	children    time.Duration // and of its children that have exited
}

// parseProcess parses /proc/PID/stat. The name may contain spaces and parentheses.
func parseProcess(stat string) (process, error) {
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("unexpected content of /proc/PID/stat: %q", stat)
	}
	p := process{name: stat[open+1 : end]}
	numbers := strings.Fields(stat[:open])
	rest := strings.Fields(stat[end+1:]) // from the third field on
	if len(numbers) != 1 || len(rest) < 15 {
		return process{}, fmt.Errorf("unexpected content of /proc/PID/stat: %q", stat)
	}
	var times [4]int64 // user and system, of the process and of its children
	var err error
	for _, n := range []struct {
		text string
		into func(int64)
	}{
		{numbers[0], func(n int64) { p.pid = int(n) }},
		{rest[1], func(n int64) { p.parent = int(n) }},
		{rest[11], func(n int64) { times[0] = n }},
		{rest[12], func(n int64) { times[1] = n }},
		{rest[13], func(n int64) { times[2] = n }},
		{rest[14], func(n int64) { times[3] = n }},
	} {
		value, parseErr := strconv.ParseInt(n.text, 10, 64)
		if parseErr != nil {
			err = parseErr
		}
		n.into(value)
	}
	p.own, p.children = time.Duration(times[0]+times[1])*tick, time.Duration(times[2]+times[3])*tick
	return p, err
}

// parseBusy parses /proc/stat and returns the CPU time that all processors spent
// other than idle, including what a hypervisor withheld.
func parseBusy(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("unexpected first line of /proc/stat: %q", line)
	}
	var busy int64
	for i, text := range fields[1:9] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, err
		}
		if i != 3 && i != 4 { // idle and waiting for a disk
			busy += n
		}
	}
	return time.Duration(busy) * tick, nil
}

// parseField returns the number after a name at the beginning of a line, as in
// /proc/PID/status, in the unit given there; 0 if it is missing.
func parseField(text, name string) int {
	_, after, _ := strings.Cut("\n"+text, "\n"+name)
	line, _, _ := strings.Cut(after, "\n")
	n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(line), " kB"))
	return n
}

// processes returns all processes of the machine by id.
func processes() (map[int]process, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := make(map[int]process, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has exited
		}
		p, err := parseProcess(string(text))
		if err != nil {
			return nil, err
		}
		all[p.pid] = p
	}
	return all, nil
}

// tree returns the CPU time of a process and all its descendants.
func tree(all map[int]process, pid int) time.Duration {
	root, ok := all[pid]
	if !ok {
		return 0
	}
	sum := root.own + root.children
	for _, p := range all {
		if p.parent == pid && p.pid != pid {
			sum += tree(all, p.pid)
		}
	}
	return sum
}

// named returns the CPU time of all processes with a name and of their descendants.
func named(all map[int]process, name string) (sum time.Duration) {
	for _, p := range all {
		if p.name == name && all[p.parent].name != name {
			sum += tree(all, p.pid)
		}
	}
	return sum
}

// anonymousMemory returns RssAnon of a process in KiB.
func anonymousMemory(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseField(string(text), "RssAnon:"), nil
}
