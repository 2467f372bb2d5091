package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// each does something for one argument after the other and prints what came of
// it, also of a part: columns are those of the table if there are several. One
// failure does not keep the others from being tried, unless they would meet the
// same.
func each[A, T any](ctx context.Context, s *session, args []A, columns []string, do func(context.Context, A) (T, error)) error {
	done, failure := attempt(ctx, s, args, do)
	switch {
	case len(args) > 1:
		if err := printMany(s.presenter, done, columns); err != nil {
			return err
		}
	case len(done) == 1:
		if err := printOne(s.presenter, done[0]); err != nil {
			return err
		}
	}
	if _, ok := any(done).([]httpapi.Offer); ok && len(done) > 0 {
		s.note("The token and the link are shown this once. Who has them can accept the invitation.")
		if s.quiet {
			fmt.Fprintln(s.io.err, "With -q, tokens and links are not shown, and cannot be shown later. Use resend to create new ones.")
		}
	}
	return failure
}

// attempt gives what was done, in the order of the arguments.
func attempt[A, T any](ctx context.Context, s *session, args []A, do func(context.Context, A) (T, error)) (done []T, err error) {
	failed := 0
	for i, arg := range args {
		item, err := do(ctx, arg)
		if err == nil {
			done = append(done, item)
			continue
		}
		if len(args) == 1 {
			return nil, s.explain(err)
		}
		failed++
		fmt.Fprintf(s.io.err, "invitebridge: %s: %v\n", printable(fmt.Sprint(arg)), s.explain(err))
		if left := len(args) - i - 1; left > 0 && concernsAll(err) {
			return done, fmt.Errorf("%d of %d failed, %d not tried", failed, len(args), left)
		}
	}
	if failed > 0 {
		return done, fmt.Errorf("%d of %d failed", failed, len(args))
	}
	return done, nil
}

// concernsAll says of a failure that it is not one of the argument.
func concernsAll(err error) bool {
	var refused *httpapi.Error
	if !errors.As(err, &refused) {
		return true // no answer
	}
	return refused.ID == "" || refused.Status == http.StatusUnauthorized
}

// explain makes an error one for people: the messages of a hook or of Kratos,
// and a hint what to do, if there is one.
func (s *session) explain(err error) error {
	lines := []string{printable(err.Error())}
	var refused *httpapi.Error
	if errors.As(err, &refused) {
		for _, m := range refused.Messages {
			lines = append(lines, printable(strings.TrimSpace(m.InstancePtr+" "+m.Text)))
		}
		for _, address := range refused.Addresses {
			lines = append(lines, printable(address))
		}
	}
	if hint := s.hint(err, refused); hint != "" {
		lines = append(lines, "hint: "+hint)
	}
	return explained{err, strings.Join(lines, "\n  ")}
}

func (s *session) hint(err error, refused *httpapi.Error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case refused == nil:
		return "is the bridge running, and its admin listener at " + s.endpoint + "? -e or " + envAdminURL + " says where"
	case refused.Status == http.StatusUnauthorized:
		return "set " + envAPIKey + " to one of the bridge's serve.admin.api_keys"
	case refused.ID == "", errors.Is(err, bridge.ErrNoRoute), errors.Is(err, bridge.ErrMethodNotAllowed):
		return "is " + s.endpoint + " the admin listener of a bridge, and its serve.base_path that of --base-path?"
	case errors.Is(err, bridge.ErrIdentityDeactivated), errors.Is(err, bridge.ErrIdentityHasCredentials):
		return "--reactivate invites it, and removes every session and credential of it"
	case len(refused.Addresses) > 0:
		return "--keep-addresses invites it, if these addresses belong to the invitee"
	case refused.RetryAfter > 0:
		return "try again in " + refused.RetryAfter.String()
	}
	return ""
}

// explained is an error with another text.
type explained struct {
	error
	text string
}

func (e explained) Error() string { return e.text }

func (e explained) Unwrap() error { return e.error }
