package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// Rules of output for all client commands:
//
//   - stdout has results only, in the format that was asked for, and nothing
//     else: it can be piped. Results of a partial success are printed too.
//   - stderr has everything for people. Errors are prefixed with "invitebridge: "
//     (see run); with several arguments, each failed one has a line with the
//     argument, and the last line counts the failures. Notes are printed only for
//     the table format and not with -q (see session.note). The exceptions are two
//     lines that -q itself makes necessary: more pages, and links not shown. The
//     progress of an import is shown with every format, but not with -q.
//   - "hint: " begins the last, indented line of an error and says what the user
//     can do: a flag, a variable, or when to try again. An error that explains
//     itself has none.
//   - The exit code is 0 if everything succeeded, 1 if anything failed, even in
//     part, and 2 if arguments, flags, environment or configuration are wrong;
//     then nothing was attempted and stdout is empty.
//   - Text from servers and files is escaped before it is printed (see
//     printable). API keys are never printed, and tokens only as results.

// forEach calls do for one argument after the other and prints the results,
// even if some failed; columns are those of the table for several arguments. A
// failure does not stop it, unless all remaining calls would fail alike.
func forEach[A, T any](ctx context.Context, s *session, args []A, columns []string, do func(context.Context, A) (T, error)) error {
	done, failure := runEach(ctx, s, args, do)
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
	if issued, ok := any(done).([]httpapi.IssuedInvitation); ok && slices.ContainsFunc(issued, func(o httpapi.IssuedInvitation) bool { return o.Token != "" }) {
		s.note("The token and the link are shown only once. Anyone who has them can accept the invitation.")
		if s.quiet {
			fmt.Fprintln(s.io.err, "With -q, tokens and links are not shown, and cannot be shown later. Use resend to create new ones.")
		}
	}
	return failure
}

// runEach returns the results of the successful calls, in the order of args.
func runEach[A, T any](ctx context.Context, s *session, args []A, do func(context.Context, A) (T, error)) (done []T, err error) {
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
		if left := len(args) - i - 1; left > 0 && affectsAll(err) {
			return done, fmt.Errorf("%d of %d failed, %d not tried", failed, len(args), left)
		}
	}
	if failed > 0 {
		return done, fmt.Errorf("%d of %d failed", failed, len(args))
	}
	return done, nil
}

// affectsAll reports whether a failure is independent of the argument.
func affectsAll(err error) bool {
	var refused *httpapi.Error
	if !errors.As(err, &refused) {
		return true // no response
	}
	return refused.ID == "" || refused.Status == http.StatusUnauthorized || errors.Is(err, bridge.ErrForbidden)
}

// explain adds details for people to an error: messages from a hook or Kratos,
// conflicting addresses, and a hint if there is one.
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
		return "check that the bridge is running and its admin listener is at " + s.endpoint + "; set another address with -e or " + envAdminURL
	case refused.Status == http.StatusUnauthorized:
		return "set " + envAPIKey + " to one of the bridge's serve.admin.api_keys"
	case refused.ID == "", errors.Is(err, bridge.ErrRouteNotFound), errors.Is(err, bridge.ErrMethodNotAllowed):
		return "check that " + s.endpoint + " is the admin listener of a bridge, and that --base-path is its serve.base_path"
	case errors.Is(err, bridge.ErrIdentityDeactivated), errors.Is(err, bridge.ErrIdentityHasCredentials):
		return "use --reactivate to invite it and remove all of its sessions and credentials"
	case len(refused.Addresses) > 0:
		return "use --keep-addresses if these addresses belong to the invitee"
	case refused.RetryAfter > 0:
		return "try again in " + refused.RetryAfter.String()
	}
	return ""
}

// explained replaces the text of an error.
type explained struct {
	error
	text string
}

func (e explained) Error() string { return e.text }

func (e explained) Unwrap() error { return e.error }

// byID returns a command that calls call for each id in its arguments.
func byID[T any](
	o *clientOptions, noun, short, long string, columns []string, call func(context.Context, *session, uuid.UUID) (T, error),
) *cobra.Command {
	return &cobra.Command{
		Use:     noun + " ID...",
		Aliases: []string{noun + "s"},
		Short:   short,
		Long:    long,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseIDs(cmd, args)
			if err != nil {
				return err
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return forEach(cmd.Context(), s, ids, columns, func(ctx context.Context, id uuid.UUID) (T, error) {
				return call(ctx, s, id)
			})
		},
	}
}

// by adapts a method of the client for byID.
func by[T any](call func(*httpapi.Client, context.Context, uuid.UUID) (T, error)) func(context.Context, *session, uuid.UUID) (T, error) {
	return func(ctx context.Context, s *session, id uuid.UUID) (T, error) { return call(s.client, ctx, id) }
}
