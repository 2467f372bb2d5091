package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge/boltstore"
	"invitebridge/config"
)

// newStore returns the commands that work on the store file itself.
func newStore(environ []string, io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Maintain or move the store file while the bridge is stopped",
		Args:  noArguments,
		RunE:  needsCommand,
	}
	cmd.AddCommand(newStoreCompact(environ, io), newStoreCopy(environ, io), newStoreUnseal(io))
	return cmd
}

func newStoreCompact(environ []string, io stdio) *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Return the free space in the store file to the disk",
		Long: "Replaces the store file in dsn with a copy without free space, with the same owner and\n" +
			"mode. Stop the bridge first: the command refuses a file that is open, and no bridge\n" +
			"can open it meanwhile. It is worth it after many invitations were purged at once;\n" +
			"otherwise the bridge fills free space by itself. The disk needs room for the copy.\n\n" +
			"The copy is checked and compared with the file before it takes its place, so the\n" +
			"file is complete whenever the command is interrupted. A killed one leaves a\n" +
			".NAME.compacting beside the file, which the next run removes.",
		Example: "  invitebridge store compact -c invitebridge.yml",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(config.Options{Files: files, Environ: environ})
			if err != nil {
				return usageError{err}
			}
			if cfg.PostgresDSN() != "" {
				return usageError{errors.New("dsn is a database and has no store file: PostgreSQL reuses free space by itself, see VACUUM")}
			}
			done, err := boltstore.Compact(cmd.Context(), cfg.BoltPath())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(io.out, "%s: %d bytes before, %d after\n", done.Path, done.Before, done.After)
			return err
		},
	}
	configFiles(cmd, &files)
	return cmd
}
