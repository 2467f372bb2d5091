package pgstore

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// unreachableError is a failed attempt to connect. Its text has the hosts and their
// reasons, and not the user, who is a part of the credentials in the DSN.
type unreachableError struct{ cause *pgconn.ConnectError }

// hideUser returns err, or an unreachableError if it is one of an attempt to connect.
func hideUser(err error) error {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return &unreachableError{connect}
	}
	return err
}

func (e *unreachableError) Error() string {
	reason := e.cause.Unwrap().Error()
	if user := e.cause.Config.User; user != "" {
		quoted := regexp.MustCompile(`["\x60'\x{ab}\x{201c}-\x{201f}]` + regexp.QuoteMeta(user) + `["\x60'\x{bb}\x{201c}-\x{201f}]`)
		reason = quoted.ReplaceAllString(reason, `"…"`)
	}
	return "cannot connect: " + strings.ReplaceAll(strings.TrimSpace(reason), "\n", "; ")
}

func (e *unreachableError) Unwrap() error { return e.cause }
