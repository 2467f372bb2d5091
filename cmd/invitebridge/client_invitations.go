package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

var invitationColumns = []string{"id", "email", "state", "delivery", "created_at", "expires_at"}

func newListInvitations(o *clientOptions) *cobra.Command {
	var q httpapi.ListQuery
	var state, createdBy, importID, origin, method string
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
			if q.Origin, err = oneOf("identity-origin", origin, bridge.Origins()); err != nil {
				return err
			}
			if q.Method, err = oneOf("method", method, bridge.AcceptMethods()); err != nil {
				return err
			}
			if err := p.check(); err != nil {
				return err
			}
			if q.CreatedBy, err = bridge.ParseCreator(createdBy); err != nil {
				return usageError{fmt.Errorf("--created-by %q is neither key:NAME nor session:ID", createdBy)}
			}
			if cmd.Flags().Changed("import-id") {
				if q.ImportID, err = uuid.Parse(importID); err != nil {
					return usageError{fmt.Errorf("--import-id %q is not an id", importID)}
				}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return list(s, p, invitationColumns, func(size int, token string) (httpapi.Page[bridge.InvitationView], error) {
				q.PageSize, q.PageToken = size, token
				return s.client.List(cmd.Context(), q)
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", fmt.Sprintf("only those in this `STATE`, one of %v", bridge.States()))
	complete(cmd, "state", bridge.States())
	cmd.Flags().StringVar(&q.Email, "email", "", "only those for this `EMAIL`")
	cmd.Flags().StringVar(&q.InviterID, "inviter-id", "", "only those by the inviter with this `ID`")
	cmd.Flags().StringVar(&createdBy, "created-by", "", "only those created by this `CREATOR`: key:NAME or session:ID")
	cmd.Flags().StringVar(&importID, "import-id", "", "only those that the import with this `ID` created")
	cmd.Flags().StringVar(&origin, "identity-origin", "", fmt.Sprintf("only those whose identity has this `ORIGIN`, one of %v", bridge.Origins()))
	complete(cmd, "identity-origin", bridge.Origins())
	cmd.Flags().StringVar(&method, "method", "", fmt.Sprintf("only those accepted by this `METHOD`, one of %v", bridge.AcceptMethods()))
	complete(cmd, "method", bridge.AcceptMethods())
	p.register(cmd)
	return cmd
}

func newGetInvitation(o *clientOptions) *cobra.Command {
	return byID(o, "invitation", "Show invitations", "", invitationColumns, by((*httpapi.Client).Get))
}

func newRevokeInvitation(o *clientOptions) *cobra.Command {
	return byID(o, "invitation", "Revoke invitations",
		"Revokes invitations permanently: all their tokens become invalid. Revoking one again\n"+
			"changes nothing. An invitation that is being accepted is still pending in the result:\n"+
			"its tokens are invalid, and it is revoked unless that acceptance succeeds.",
		invitationColumns, revoke)
}

func revoke(ctx context.Context, s *session, id uuid.UUID) (bridge.InvitationView, error) {
	v, err := s.client.Revoke(ctx, id)
	if err == nil && v.State == bridge.StatePending {
		s.note("Revocation of %s requested. It is being accepted: it is revoked unless that succeeds.", id)
	}
	return v, err
}

var forgottenColumns = []string{"id", "identity_id", "identity", "import_rows"}

func newDeleteInvitation(o *clientOptions) *cobra.Command {
	cmd := byID(o, "invitation", "Forget people: delete their invitations and all that belongs to them",
		"Forgets the people of these invitations: deletes all invitations of their addresses,\n"+
			"in any state, with tokens, history and messages, and empties the rows of imports about\n"+
			"them.\n"+
			"This cannot be undone, and there is no prompt. To end an invitation and keep it, use\n"+
			"revoke.\n\n"+
			"An identity in Kratos is deleted only if the bridge created it and nobody used it; the\n"+
			"result shows whether it was deleted or kept. After an error, run the command again: it\n"+
			"continues.",
		forgottenColumns, by((*httpapi.Client).Forget))
	cmd.Example = "  invitebridge list invitations --email ada@example.com --page-size 1 -q |\n" +
		"    xargs -r invitebridge delete invitation"
	return cmd
}

func newResendInvitation(o *clientOptions) *cobra.Command {
	return byID(o, "invitation", "Send invitations again, with a new expiry",
		"Sends the invitee another email, and resets the expiry: an expired invitation becomes\n"+
			"pending again. The new token and link are in the result, and are never shown again.",
		issuedColumns, by((*httpapi.Client).Resend))
}
