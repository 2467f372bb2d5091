package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// checkPointNames compares the failpoints that a scenario passes with those in
// failpoints.go. If the machine is so slow that the bridge gives up and the client
// retries, others are passed: that is an error only if it happens each time.
func checkPointNames(ctx context.Context, s scenario, binary string, kratos identities) error {
	const attempts = 3
	var err error
	for range attempts {
		if err = comparePoints(ctx, s, binary, kratos); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

func comparePoints(ctx context.Context, s scenario, binary string, kratos identities) error {
	t, remove, err := newTrial(ctx, s, 1, binary, kratos)
	if err != nil {
		return err
	}
	defer remove()
	if err := t.prepare(ctx); err != nil {
		return err
	}
	if s.dueAt != nil {
		time.Sleep(time.Until(s.dueAt(t.subjects[0])))
	}
	if err := t.beforeKill(ctx, t.subjects[0]); err != nil {
		return err
	}
	t.countEmails()
	if err := errors.Join(t.bridges.arm("record"), t.bridges.start(ctx)); err != nil {
		return err
	}
	defer t.bridges.kill()
	if s.verbs[0] != "sweep" && s.verbs[0] != "claim" {
		time.Sleep(500 * time.Millisecond) // work that is due at startup is not part of the scenario
	}
	failed, _ := t.each(ctx, kratos.lease()+responseLimit, s.act)
	if failed = append(failed, t.checkAll(ctx)...); len(failed) > 0 {
		return fmt.Errorf("%s fails without any kill: %s", s.name, strings.Join(failed, "; "))
	}
	time.Sleep(500 * time.Millisecond) // results of sending may still be being recorded
	text, err := os.ReadFile(t.process.failpoint + ".passed")
	if err != nil {
		return err
	}
	var passed []string
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		verb, _, _ := strings.Cut(lines.Text(), ".")
		if slices.Contains(s.verbs, verb) && !slices.Contains(passed, lines.Text()) {
			passed = append(passed, lines.Text())
		}
	}
	slices.Sort(passed)
	want := slices.Sorted(slices.Values(s.points))
	if !slices.Equal(passed, want) {
		return fmt.Errorf("%s passes other failpoints than those in failpoints.go: %q", s.name, passed)
	}
	return nil
}
