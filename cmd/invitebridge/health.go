package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge/httpapi"
)

// newHealth makes the health check of containers that have no shell.
func newHealth(environ []string, io stdio) *cobra.Command {
	var endpoint string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Tell whether a running bridge is ready",
		Long: "Asks /health/ready of a running bridge, for at most four seconds; it needs no API\n" +
			"key. Exits with 0 if store and Kratos are reachable, and with 1 and the reason if\n" +
			"not.",
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
