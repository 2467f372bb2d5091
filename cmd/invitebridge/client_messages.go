package main

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

var messageColumns = []string{"id", "event", "endpoint", "state", "invitation_id", "created_at", "next_attempt_at"}

func newListMessages(o *clientOptions) *cobra.Command {
	var q httpapi.MessagesQuery
	var state, invitation string
	var p paging
	cmd := &cobra.Command{
		Use:     "messages",
		Aliases: []string{"message"},
		Short:   "List queued, sent, failed and dropped messages, newest first",
		Example: "  invitebridge list messages --state failed -q | xargs -r invitebridge retry messages",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if q.State, err = oneOf("state", state, bridge.MessageStates()); err != nil {
				return err
			}
			if err := p.check(); err != nil {
				return err
			}
			var id uuid.UUID
			if cmd.Flags().Changed("invitation") {
				if id, err = uuid.Parse(invitation); err != nil {
					return usageError{fmt.Errorf("--invitation %q is not an id", invitation)}
				}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return list(s, p, messageColumns, func(size int, token string) (httpapi.Page[httpapi.Message], error) {
				q.PageSize, q.PageToken = size, token
				if id != uuid.Nil {
					return s.client.InvitationMessages(cmd.Context(), id, q)
				}
				return s.client.Messages(cmd.Context(), q)
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", fmt.Sprintf("only those in this `STATE`, one of %v", bridge.MessageStates()))
	complete(cmd, "state", bridge.MessageStates())
	cmd.Flags().StringVar(&invitation, "invitation", "", "only those of the invitation with this `ID`")
	p.register(cmd)
	return cmd
}

func newGetMessage(o *clientOptions) *cobra.Command {
	return byID(o, "message", "Show messages with their attempts", "", nil, by((*httpapi.Client).Message))
}

func newRetryMessage(o *clientOptions) *cobra.Command {
	return byID(o, "message", "Send failed messages again",
		"Restarts the schedule of attempts of failed messages. A message keeps its id, so that\n"+
			"its receiver can recognize it. A queued message is attempted at once.",
		messageColumns, by((*httpapi.Client).RetryMessage))
}
