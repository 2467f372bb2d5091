package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge/httpapi"
)

// newHealth returns the health check for containers without a shell.
func newHealth(environ []string, io stdio) *cobra.Command {
	var endpoint string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Check whether a running bridge is ready",
		Long: "Calls /health/ready of a running bridge, waiting at most four seconds. It needs no\n" +
			"API key. Exits with 0 if the store and Kratos are reachable, else with 1 and the\n" +
			"reason.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := cmp.Or(endpoint, lookup(environ, envAdminURL), defaultEndpoint)
			if err := httpapi.Ready(cmd.Context(), at); err != nil {
				return err
			}
			_, err := fmt.Fprintln(io.out, "ready")
			return err
		},
	}
	registerEndpoint(cmd, &endpoint)
	return cmd
}
