package main

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/pgstore"
	"invitebridge/config"
)

// newStoreCopy returns the command that moves a store file to a database.
func newStoreCopy(environ []string, io stdio) *cobra.Command {
	var from string
	to := copyTo{environ: environ}
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Move the store file to a PostgreSQL database",
		Long: "Copies everything in a store file to a database: invitations, the digests of their\n" +
			"tokens, their history, emails and webhooks with their ids and attempts. Tokens that\n" +
			"are out stay valid. Then it compares all rows, and seals the file: serve refuses it\n" +
			"and says where its content is. Nothing else in the file changes, so it is a backup.\n\n" +
			"Stop every bridge first, on the file and on the database. The database must be\n" +
			"migrated and have no invitations. Until the command has succeeded, serve refuses the\n" +
			"database, and the file stays as it is. Interrupted or killed, run it again: it\n" +
			"continues, or begins anew if the file was used in the meantime.\n\n" +
			"The DSN of the database comes from --to, -e or -c. A password in --to is refused,\n" +
			"because everyone on this machine can see it.",
		Example: "  " + envDSN + "=postgres://… invitebridge store copy --from bolt:///var/lib/invitebridge/invites.db -e",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := storeFile(from)
			if err != nil {
				return err
			}
			dsn, err := to.read()
			if err != nil {
				return err
			}
			return copyStore(cmd.Context(), file, dsn, io)
		},
	}
	registerFrom(cmd, &from)
	flags := cmd.Flags()
	flags.StringVar(&to.dsn, "to", "", "`DSN` of the database, without a password")
	configFiles(cmd, &to.files)
	flags.BoolVarP(&to.fromEnviron, "read-from-env", "e", false, "read the DSN of the database from the environment variable "+envDSN)
	return cmd
}

// newStoreUnseal returns the command that undoes what store copy did to the file.
func newStoreUnseal(io stdio) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "unseal",
		Short: "Let serve use a store file again that was moved to a database",
		Long: "Takes back the seal of store copy: serve uses the file again, with what it had when it\n" +
			"was copied. What happened in the database since is not in it. Stop every bridge on\n" +
			"the database first, and never run one there again: two stores would both accept\n" +
			"invitations and send their emails.",
		Example: "  invitebridge store unseal --from bolt:///var/lib/invitebridge/invites.db",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			file, err := storeFile(from)
			if err != nil {
				return err
			}
			before, err := boltstore.Unseal(file)
			switch {
			case err != nil:
				return err
			case before.MovedTo == "":
				_, err = fmt.Fprintf(io.out, "%s is not sealed\n", file)
			default:
				_, err = fmt.Fprintf(io.out, "%s is no longer sealed. Run no bridge on %s any more\n", file, before.MovedTo)
			}
			return err
		},
	}
	registerFrom(cmd, &from)
	return cmd
}

func registerFrom(cmd *cobra.Command, from *string) {
	cmd.Flags().StringVar(from, "from", "", "the store file, as in `DSN`: bolt:///path")
}

// storeFile returns the path in the value of --from.
func storeFile(from string) (string, error) {
	path := config.Config{DSN: config.Secret(from)}.BoltPath()
	if path == "" { // not quoted: it may have a password
		return "", usageError{errors.New("--from must be the store file, with an absolute path: bolt:///var/lib/invitebridge/invites.db")}
	}
	return path, nil
}

// copyTo holds the flags that say where the DSN of the database is.
type copyTo struct {
	environ     []string
	dsn         string
	files       []string
	fromEnviron bool
}

// read returns the DSN. No error contains it.
func (t *copyTo) read() (string, error) {
	given := 0
	for _, is := range []bool{t.dsn != "", t.fromEnviron, len(t.files) > 0} {
		if is {
			given++
		}
	}
	if given != 1 {
		return "", usageError{fmt.Errorf("give the database in one way: --to DSN, -e to read it from %s, or -c with a configuration", envDSN)}
	}
	cfg := config.Config{DSN: config.Secret(t.dsn)}
	if t.dsn == "" {
		var err error
		// As in development, only the DSN is needed.
		if cfg, err = config.Load(config.Options{Files: t.files, Environ: t.environ, Dev: true}); err != nil {
			return "", usageError{err}
		}
	}
	dsn := cfg.PostgresDSN().Reveal()
	switch {
	case dsn == "":
		return "", usageError{errors.New("a store is copied to a database only: its DSN must look like postgres://user@host:5432/database")}
	case t.dsn != "" && hasPassword(dsn):
		return "", usageError{fmt.Errorf("--to has a password, which everyone on this machine can see; set %s and give -e, or use -c", envDSN)}
	}
	if err := pgstore.ParseDSN(dsn); err != nil {
		return "", dsnError(err)
	}
	return dsn, nil
}

// hasPassword reports whether a DSN has a password, or may have one.
func hasPassword(dsn string) bool {
	u, err := url.Parse(dsn)
	if err != nil {
		return true
	}
	_, found := u.User.Password()
	query := u.Query()
	return found || query.Has("password") || query.Has("sslpassword")
}
