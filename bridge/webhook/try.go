package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"invitebridge/bridge"
)

// tryTime bounds an evaluation of a sample. It is longer than templateTime, for
// when a process starts the machine is often busy.
const tryTime = 5 * time.Second

// try evaluates the template with two samples of each event, one with every
// field and one with none that may be absent. It gives a text for each way in
// which that fails. After one that took too long it tries no more: an evaluation
// that was given up may go on for a while, and holds what it has made.
func (t *template) try(events []bridge.Event) (failures []string) {
	type kind struct {
		why  string
		bare bool
	}
	var kinds []kind
	failed := make(map[kind][]string)
samples:
	for _, event := range events {
		for _, bare := range []bool{false, true} {
			err := t.trySample(event, bare)
			if err == nil {
				continue
			}
			k := kind{err.Error(), bare}
			if failed[k] == nil {
				kinds = append(kinds, k)
			}
			failed[k] = append(failed[k], string(event))
			if errors.Is(err, errSlowTemplate) {
				break samples
			}
			break // the bare sample would fail likewise
		}
	}
	for _, k := range kinds {
		text := k.why + ", tried with a sample of " + strings.Join(failed[k], ", ")
		if k.bare {
			text += ` without optional fields: read those as std.get(object, "name", default)`
		}
		failures = append(failures, strings.Join(append([]string{text}, t.hints...), "; "))
	}
	return failures
}

// trySample returns nil also if the template cancels the request: it may do so
// for some payloads.
func (t *template) trySample(event bridge.Event, bare bool) error {
	sample := fullSample(event)
	if bare {
		sample = bareSample(event)
	}
	payload, err := encode(sample)
	if err != nil {
		return err
	}
	_, err = t.renderWithin(context.Background(), payload, tryTime)
	if errors.Is(err, errCancelled) {
		return nil
	}
	return err
}

// body loads and tries a body template; nil: there is none, or it has a problem.
func (c *checker) body(key string, h Hook) *template {
	if h.Body == "" {
		return nil
	}
	t, err := loadTemplate(h.Body)
	if err != nil {
		c.problem(key, "%v", err)
		return nil
	}
	known := slices.DeleteFunc(slices.Clone(h.Events), func(e bridge.Event) bool { return !slices.Contains(bridge.Events(), e) })
	for _, failure := range t.try(known) {
		c.problem(key, "%s", failure)
	}
	return t
}

// kratosNames are what a hook's template of Kratos may read, and what it reads
// here instead.
var kratosNames = map[string]string{
	"ctx.identity":        "here the invited person is ctx.data.invitation, with .email and .identity_id",
	"ctx.flow":            "here is no flow: ctx.type names the event",
	"ctx.session":         "here is no session: ctx.data.invitation is what there is",
	"ctx.request_headers": aboutRequests,
	"ctx.request_method":  aboutRequests,
	"ctx.request_url":     aboutRequests,
	"ctx.request_cookies": aboutRequests,
	"std.extVar":          "here are no external variables: ctx is all there is",
}

const aboutRequests = "here a body says nothing of the request that caused the event"

func kratosHint(name string) string {
	return fmt.Sprintf("%s is of Kratos' templates; %s", name, kratosNames[name])
}
