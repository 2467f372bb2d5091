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

// named compares the failpoints that a scenario passes with those of points.go.
// What a machine makes so slow that the bridge gives up, and the client tries
// again, passes others: that is no fault unless it is so each time.
func named(ctx context.Context, s scenario, binary string, kratos identities) error {
	const attempts = 3
	var err error
	for range attempts {
		if err = passes(ctx, s, binary, kratos); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

func passes(ctx context.Context, s scenario, binary string, kratos identities) error {
	t, remove, err := newTrial(ctx, s, 1, binary, kratos)
	if err != nil {
		return err
	}
	defer remove()
	if err := t.prepare(ctx); err != nil {
		return err
	}
	if s.ripe != nil {
		time.Sleep(time.Until(s.ripe(t.subjects[0])))
	}
	if err := t.approach(ctx, t.subjects[0]); err != nil {
		return err
	}
	t.countLetters()
	if err := errors.Join(t.process.arm("record"), t.process.start(ctx)); err != nil {
		return err
	}
	defer t.process.kill()
	if s.verbs[0] != "sweep" && s.verbs[0] != "claim" {
		time.Sleep(500 * time.Millisecond) // what is due at a start is seen to, and is no part of this
	}
	failed, _ := t.each(ctx, kratos.lease()+prompt, s.act)
	if failed = append(failed, t.judge(ctx)...); len(failed) > 0 {
		return fmt.Errorf("%s goes wrong with nobody killed: %s", s.name, strings.Join(failed, "; "))
	}
	time.Sleep(500 * time.Millisecond) // what was sent is still to be noted
	text, err := os.ReadFile(t.process.file("failpoint.passed"))
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
		return fmt.Errorf("%s passes other failpoints than points.go names: %q", s.name, passed)
	}
	return nil
}
