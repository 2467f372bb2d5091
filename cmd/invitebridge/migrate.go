package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"invitebridge/bridge/pgstore"
	"invitebridge/config"
)

const envDSN = "INVITEBRIDGE_DSN"

// newMigrate returns the commands that prepare a database. Their words are Kratos'.
func newMigrate(environ []string, io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Migrate a PostgreSQL database to this release",
		Args:  noArguments,
		RunE:  needsCommand,
	}
	cmd.AddCommand(newMigrateSQL(&migration{environ: environ, io: io}), newMigrateStatus(&migration{environ: environ, io: io}))
	return cmd
}

// migration holds the flags of the commands, which say where the DSN is.
type migration struct {
	environ     []string
	io          stdio
	files       []string
	fromEnviron bool
	yes         bool
	format      string
}

func (m *migration) register(cmd *cobra.Command) {
	configFiles(cmd, &m.files)
	cmd.Flags().BoolVarP(&m.fromEnviron, "read-from-env", "e", false, "read the DSN from the environment variable "+envDSN)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 { // not quoted: it may have a password
			return usageError{errors.New("a DSN is not accepted as an argument, which everyone on this machine can see; use -e or -c")}
		}
		return nil
	}
}

func newMigrateSQL(m *migration) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "Create or update the tables",
		Long: "Brings the schema invitebridge of the database in dsn up to date, and shows what it\n" +
			"did. It asks before it changes anything, unless --yes is given. Replicas of the\n" +
			"release before keep working while it runs and afterwards. Several may run at once:\n" +
			"one migrates, the others wait. There is no way back but a restored backup.\n\n" +
			"The role needs CREATE on the database, or the ownership of the schema and its tables.\n" +
			"The connection must lead to PostgreSQL itself, not to PgBouncer in transaction mode.\n" +
			"A dsn with bolt:// needs no migration: then the command does nothing.",
		Example: "  " + envDSN + "=postgres://… invitebridge migrate sql -e --yes\n" +
			"  invitebridge migrate sql -c invitebridge.yml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dsn, err := m.dsn()
			if err != nil || dsn == "" {
				return err
			}
			return m.apply(cmd.Context(), dsn)
		},
	}
	m.register(cmd)
	cmd.Flags().BoolVarP(&m.yes, "yes", "y", false, "migrate without asking")
	return cmd
}

func newMigrateStatus(m *migration) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which migrations are applied and which are pending",
		Long: "Shows the migrations of this release and those that the database in dsn has. A\n" +
			"migration without a name is one of a later release. Changes nothing.",
		Example: "  " + envDSN + "=postgres://… invitebridge migrate status -e",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(formats, m.format) {
				return usageError{fmt.Errorf("--format must be one of %s", strings.Join(formats, ", "))}
			}
			dsn, err := m.dsn()
			if err != nil || dsn == "" {
				return err
			}
			list, err := pgstore.Migrations(cmd.Context(), dsn)
			if err != nil {
				return dsnError(err)
			}
			return printMany(&presenter{out: m.io.out, format: m.format}, list, []string{"version", "name", "status", "applied_at"})
		},
	}
	m.register(cmd)
	cmd.Flags().StringVar(&m.format, "format", formatTable, "`FORMAT` of the results: "+strings.Join(formats, ", "))
	complete(cmd, "format", formats)
	return cmd
}

// dsn returns the DSN of the database; empty, after a note, if dsn is a file.
func (m *migration) dsn() (string, error) {
	if !m.fromEnviron && len(m.files) == 0 {
		return "", usageError{fmt.Errorf("give -e to read the DSN from %s, or -c with a configuration", envDSN)}
	}
	// As in development, only the DSN is needed, and has no default.
	cfg, err := config.Load(config.Options{Files: m.files, Environ: m.environ, Dev: true})
	switch {
	case err != nil:
		return "", usageError{err}
	case cfg.DSN == "" && len(m.files) == 0:
		return "", usageError{fmt.Errorf("%s is not set; set it to postgres://user:password@host:5432/database", envDSN)}
	case cfg.PostgresDSN() == "":
		_, err = fmt.Fprintln(m.io.err, "dsn is a file, which needs no migration: serve creates and converts it")
		return "", err
	}
	return cfg.PostgresDSN().Reveal(), nil
}

// apply shows what is pending, asks, and migrates.
func (m *migration) apply(ctx context.Context, dsn string) error {
	list, err := pgstore.Migrations(ctx, dsn)
	if err != nil {
		return dsnError(err)
	}
	pending := slices.DeleteFunc(list, func(x pgstore.Migration) bool { return x.Status != pgstore.StatusPending })
	if len(pending) == 0 {
		_, err = fmt.Fprintln(m.io.out, "the database is up to date")
		return err
	}
	if !m.yes {
		for _, x := range pending {
			fmt.Fprintf(m.io.err, "pending: %d %s\n", x.Version, x.Name)
		}
		if err := m.confirm(); err != nil {
			return err
		}
	}
	if err := pgstore.Migrate(ctx, dsn); err != nil {
		return dsnError(err)
	}
	for _, x := range pending {
		if _, err := fmt.Fprintf(m.io.out, "applied: %d %s\n", x.Version, x.Name); err != nil {
			return err
		}
	}
	return nil
}

// confirm asks whether to migrate. Without a terminal nobody can answer.
func (m *migration) confirm() error {
	file, isFile := m.io.in.(*os.File)
	if m.io.in == nil || isFile && !isTerminal(file) {
		return usageError{errors.New("standard input is not a terminal, so nobody can be asked; give --yes to migrate")}
	}
	fmt.Fprint(m.io.err, "Do you wish to apply these migrations? [y/n]: ")
	answer, _ := bufio.NewReader(m.io.in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return usageError{errors.New("nothing was migrated; answer y, or give --yes")}
}

// isTerminal reports whether a file is a terminal, or another device.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
