package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge/boltstore"
)

// newBackup returns the command that copies the store of a running bridge.
func newBackup(o *clientOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store of a running bridge",
		Long: "Writes a consistent copy of the store to a new file while the bridge keeps running,\n" +
			"and verifies the copy. FILE appears only when the copy is complete. A failed backup\n" +
			"leaves no file; a killed one leaves a FILE.partial-*, which can be removed. To\n" +
			"restore a copy, stop the bridge, put the file at the path in dsn, and start it." + sharedHelp,
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
			file, err := boltstore.CreateBackupFile(args[0])
			if err != nil {
				return usageError{err}
			}
			defer func() { err = errors.Join(err, file.Abort()) }()
			bytes, err := s.client.Backup(cmd.Context(), file)
			if err != nil {
				return err
			}
			if err := file.Commit(); err != nil {
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
