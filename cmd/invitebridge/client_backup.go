package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"invitebridge/bridge/boltstore"
)

// newBackup makes the command that copies the store of a running bridge.
func newBackup(o *clientOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store of a running bridge",
		Long: "Writes a consistent copy of the store to a new file, while the bridge goes on,\n" +
			"and reads it through. To restore it, stop the bridge, put the file where dsn says,\n" +
			"and start." + manners,
		Example: "  invitebridge backup /backup/invites-$(date +%F).db",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("give one file to write to (try %q)", cmd.CommandPath()+" --help")}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			// It holds personal data: for its owner alone.
			file, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return usageError{err}
			}
			bytes, err := s.client.Backup(cmd.Context(), file)
			if err == nil {
				err = file.Sync()
			}
			if err = errors.Join(err, file.Close()); err == nil {
				err = boltstore.Check(file.Name())
			}
			if err != nil {
				return errors.Join(err, os.Remove(file.Name()))
			}
			_, err = fmt.Fprintf(o.io.out, "%s: %d bytes\n", file.Name(), bytes)
			return err
		},
	}
	registerEndpoint(cmd, &o.endpoint)
	o.registerBasePath(cmd)
	return cmd
}
