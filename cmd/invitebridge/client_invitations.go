package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

var invitationColumns = []string{"id", "email", "state", "delivery", "created_at", "expires_at"}

func newListInvitations(o *clientOptions) *cobra.Command {
	var q httpapi.ListQuery
	var state string
	var p paging
	cmd := &cobra.Command{
		Use:     "invitations",
		Aliases: []string{"invitation"},
		Short:   "List invitations, newest first",
		Example: "  invitebridge list invitations --state pending --inviter-id 42\n" +
			"  invitebridge list invitations --state pending -q | xargs -r invitebridge revoke invitations",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if q.State, err = oneOf("state", state, bridge.States()); err != nil {
				return err
			}
			if err := p.check(); err != nil {
				return err
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return list(s, p, invitationColumns, func(size int, token string) (httpapi.Page[bridge.View], error) {
				q.PageSize, q.PageToken = size, token
				return s.client.List(cmd.Context(), q)
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", fmt.Sprintf("only those in this `STATE`, of %v", bridge.States()))
	complete(cmd, "state", bridge.States())
	cmd.Flags().StringVar(&q.Email, "email", "", "only those of this `EMAIL`")
	cmd.Flags().StringVar(&q.InviterID, "inviter-id", "", "only those by the inviter of this `ID`")
	p.register(cmd)
	return cmd
}

func newGetInvitation(o *clientOptions) *cobra.Command {
	return byID(o, "invitation", "Show invitations", "", invitationColumns, by((*httpapi.Client).Get))
}

func newRevokeInvitation(o *clientOptions) *cobra.Command {
	return byID(o, "invitation", "Revoke invitations for good",
		"Every token of a revoked invitation is invalid. Revoking it again changes nothing.\n"+
			"One that somebody is accepting is still pending in the result: no token is valid\n"+
			"any more, and it is revoked unless that acceptance succeeds.",
		invitationColumns, revoke)
}

func revoke(ctx context.Context, s *session, id uuid.UUID) (bridge.View, error) {
	v, err := s.client.Revoke(ctx, id)
	if err == nil && v.State == bridge.StatePending {
		s.note("Revocation of %s requested. Somebody is accepting it: it is revoked unless that succeeds.", id)
	}
	return v, err
}

func newResendInvitation(o *clientOptions) *cobra.Command {
	return byID(o, "invitation", "Send invitations again, with a fresh expiry",
		"The invitee gets another email, and an expired invitation is pending again. The\n"+
			"new token and link are in the result, and never shown again.",
		offerColumns, by((*httpapi.Client).Resend))
}

// by is a call of the client for byID.
func by[T any](call func(*httpapi.Client, context.Context, uuid.UUID) (T, error)) func(context.Context, *session, uuid.UUID) (T, error) {
	return func(ctx context.Context, s *session, id uuid.UUID) (T, error) { return call(s.client, ctx, id) }
}

// byID makes a command that calls something for each id it is given.
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
			return each(cmd.Context(), s, ids, columns, func(ctx context.Context, id uuid.UUID) (T, error) {
				return call(ctx, s, id)
			})
		},
	}
}

// oneOf reads a flag that has a few values; empty is one of them.
func oneOf[S ~string](flag, text string, values []S) (S, error) {
	if text != "" && !slices.Contains(values, S(text)) {
		return "", usageError{fmt.Errorf("--%s must be one of %v", flag, values)}
	}
	return S(text), nil
}
