package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

var endpointColumns = []string{"id", "state", "disabled_at"}

func newListEndpoints(o *clientOptions) *cobra.Command {
	return &cobra.Command{
		Use:     "endpoints",
		Aliases: []string{"endpoint"},
		Short:   "List the endpoints that messages are sent to",
		Long: "Lists the endpoints that messages are sent to: hooks, and courier for email. An\n" +
			"endpoint whose receiver answered 410 is disabled, and its messages stay queued.\n" +
			"Hooks with can_interrupt get no messages and are not listed.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := o.open()
			if err != nil {
				return err
			}
			list, err := s.client.Endpoints(cmd.Context())
			if err != nil {
				return s.explain(err)
			}
			return printPage(s.presenter, httpapi.Page[bridge.Endpoint]{Items: list}, endpointColumns)
		},
	}
}

func newEnableEndpoint(o *clientOptions) *cobra.Command {
	return &cobra.Command{
		Use:     "endpoint ID...",
		Aliases: []string{"endpoints"},
		Short:   "Enable endpoints whose receiver answered 410",
		Long: "Enables endpoints that were disabled because their receiver answered 410. Queued\n" +
			"messages are attempted at once; failed ones can be sent with retry message. Enabling\n" +
			"an enabled endpoint changes nothing.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("give at least one id (try %q)", cmd.CommandPath()+" --help")}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return forEach(cmd.Context(), s, args, endpointColumns, func(ctx context.Context, id string) (bridge.Endpoint, error) {
				return s.client.EnableEndpoint(ctx, id)
			})
		},
	}
}
