package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge/boltstore"
)

// newBackup makes the command that copies the store of a running bridge.
func newBackup(o *clientOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store of a running bridge",
		Long: "Writes a consistent copy of the store to a new file, while the bridge goes on,\n" +
			"and reads it through. FILE is there when all of that is done: what ends before\n" +
			"leaves nothing, or, killed, a FILE.partial-*, which can be removed. To restore a\n" +
			"copy, stop the bridge, put the file where dsn says, and start." + manners,
		Example:           "  invitebridge backup /backup/invites-$(date +%F).db",
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) != 1 {
				return usageError{fmt.Errorf("give one file to write to (try %q)", cmd.CommandPath()+" --help")}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			file, err := boltstore.NewCopy(args[0])
			if err != nil {
				return usageError{err}
			}
			defer func() { err = errors.Join(err, file.Drop()) }()
			bytes, err := s.client.Backup(cmd.Context(), file)
			if err != nil {
				return err
			}
			if err := file.Keep(); err != nil {
				return err
			}
			_, err = fmt.Fprintf(o.io.out, "%s: %d bytes\n", args[0], bytes)
			return err
		},
	}
	registerEndpoint(cmd, &o.endpoint)
	o.registerBasePath(cmd)
	return cmd
}
