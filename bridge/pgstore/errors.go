package pgstore

import (
	"errors"
	"fmt"
)

// Errors of this package, for errors.Is. Those that [Open] returns also say what to
// do. No error contains a DSN or a password.
var (
	// ErrDSN: the DSN is malformed.
	ErrDSN = errors.New("the DSN is invalid")

	// ErrNotMigrated: the database has no schema of this program.
	ErrNotMigrated = errors.New("the database is not migrated")

	// ErrOlderSchema: this program needs a newer schema.
	ErrOlderSchema = errors.New("the schema of the database is too old")

	// ErrNewerSchema: a later release has migrated the database, and this program
	// can no longer use it.
	ErrNewerSchema = errors.New("the schema of the database is too new")

	// ErrUnfinishedCopy: another store is being copied into the database.
	ErrUnfinishedCopy = errors.New("a copy of another store into the database is not finished")

	// ErrNotEmpty: the database has invitations or imports that the copy would mix with.
	ErrNotEmpty = errors.New("the database is not empty")

	// ErrAlreadyCopied: the copy into the database is finished.
	ErrAlreadyCopied = errors.New("the store was already copied into the database")

	// ErrOthersConnected: a program other than the copy uses the database.
	ErrOthersConnected = errors.New("a bridge is connected to the database")

	// ErrEncoding: the database cannot store all texts.
	ErrEncoding = errors.New("the encoding of the database is not UTF8")

	// ErrPooled: the connection leads through a pooler that shares sessions, which
	// cannot migrate.
	ErrPooled = errors.New("the connection leads through a pooler in transaction mode")
)

// errTxEnded is returned by a Tx that is used after its function has returned.
var errTxEnded = errors.New("pgstore: the transaction has ended")

// Advice in errors about the schema.
const (
	adviceMigrate = `run "invitebridge migrate sql -e --yes"`
	adviceUpgrade = "upgrade this program"
	adviceFinish  = `run "invitebridge store copy" again until it succeeds, or use another database`
	adviceEmpty   = "a copy needs a database without invitations and imports: use another one"
	adviceStop    = "stop every bridge that uses it, and try again; a pooler may keep connections for some minutes"

	adviceUTF8   = "create a database with ENCODING 'UTF8'"
	adviceDirect = "a migration needs a connection to PostgreSQL itself: give its own address"
)

func refused(sentinel error, advice string) error {
	return fmt.Errorf("pgstore: %w: %s", sentinel, advice)
}
