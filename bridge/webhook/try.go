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

// tryTimeout bounds the evaluation of a sample. It is longer than templateTime,
// because a machine is often busy when processes start.
const tryTimeout = 5 * time.Second

// try evaluates the template with two samples of each event, one with every field
// and one without optional fields. It returns a text for each kind of failure. It
// stops after an evaluation that takes too long: an abandoned evaluation may run
// on for a while and keeps its memory.
func (t *template) try(events []bridge.Event) (failures []string) {
	type kind struct {
		reason string
		bare   bool
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
		text := k.reason + ", rendered with a sample of " + strings.Join(failed[k], ", ")
		if k.bare {
			text += ` without optional fields: read them with std.get(object, "name", default)`
		}
		failures = append(failures, strings.Join(append([]string{text}, t.hints...), "; "))
	}
	return failures
}

// trySample returns nil also if the template cancels the request, which is valid
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
	_, err = t.renderWithin(context.Background(), payload, tryTimeout)
	if errors.Is(err, errCanceled) {
		return nil
	}
	return err
}

// body loads and tries a body template; nil: there is none, or a problem was
// reported.
func (c *validator) body(key string, h Hook) *template {
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

// kratosNames maps names that Kratos templates read to what replaces them here.
var kratosNames = map[string]string{
	"ctx.identity":        "here the invitee is ctx.data.invitation, with .email and .identity_id",
	"ctx.flow":            "here there is no flow: ctx.type names the event",
	"ctx.session":         "here there is no session: use ctx.data.invitation",
	"ctx.request_headers": aboutRequests,
	"ctx.request_method":  aboutRequests,
	"ctx.request_url":     aboutRequests,
	"ctx.request_cookies": aboutRequests,
	"std.extVar":          "here there are no external variables: use ctx",
}

const aboutRequests = "here the request that caused the event is not available"

func kratosHint(name string) string {
	return fmt.Sprintf("%s exists in Kratos templates only; %s", name, kratosNames[name])
}
