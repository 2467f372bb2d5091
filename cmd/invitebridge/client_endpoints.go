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
		Long: "Lists the endpoints that messages are sent to: hooks, and courier for e-mail. One\n" +
			"whose receiver answered 410 is disabled: its messages wait. Hooks that can refuse\n" +
			"are called at once and are not among them.",
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
		Short:   "Send again to endpoints whose receiver answered 410",
		Long: "Sends again to endpoints whose receiver answered 410. What waited for them is\n" +
			"attempted at once; what failed is sent by retry message. An endpoint that is\n" +
			"enabled stays as it is.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("which one? give at least one id (try %q)", cmd.CommandPath()+" --help")}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return each(cmd.Context(), s, args, endpointColumns, func(ctx context.Context, id string) (bridge.Endpoint, error) {
				return s.client.EnableEndpoint(ctx, id)
			})
		},
	}
}
