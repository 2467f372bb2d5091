package pgstore

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// timeouts are settings of a session that the DSN can override, as it can any other
// setting of PostgreSQL. They end the transactions of a process that hangs or has
// lost its network: others may wait for its locks. See limits.go for how they reach
// the server.
var timeouts = map[string]string{
	"idle_in_transaction_session_timeout": "10s",
	"lock_timeout":                        "5s",
	"statement_timeout":                   "30s",
	"tcp_user_timeout":                    "10s",
}

const defaultName = "invitebridge" // in pg_stat_activity

// A network that is cut without a word leaves a client waiting. These limits and
// those of a commit add up to less than the ten seconds after which a caller has a
// response.
const (
	// callTimeout bounds a call until its commit, with all its tries and the wait for
	// a connection. A DSN with statement_timeout=0 removes it too.
	callTimeout = 4 * time.Second
	// connectTimeout bounds an attempt to connect to one host, unless the DSN has
	// connect_timeout.
	connectTimeout = 2 * time.Second
	// pingTimeout bounds the test of a connection that was idle: after a cut, each of
	// them fails it.
	pingTimeout = time.Second
)

// ParseDSN checks a DSN without connecting.
//
// Errors: ErrDSN.
func ParseDSN(dsn string) error {
	_, _, err := parse(dsn)
	return err
}

// parse reads a DSN: a URL with the scheme postgres or postgresql, whose query has
// what libpq knows, settings of PostgreSQL, and the words that Kratos uses for its
// pool.
func parse(dsn string) (_ *pgxpool.Config, w poolWords, err error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		// The text of err may contain the password.
		return nil, w, fmt.Errorf("pgstore: %w: it must look like postgres://user:password@host:5432/database, with special characters percent-encoded", ErrDSN)
	}
	others, w, err := takePoolWords(u.RawQuery)
	if err != nil {
		return nil, w, err
	}
	if strings.Contains(u.Host, ",") && !strings.Contains(u.RawQuery, "target_session_attrs=") {
		others = append(others, "target_session_attrs=read-write") // of several hosts, the primary
	}
	u.RawQuery = strings.Join(others, "&")
	config, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, w, fmt.Errorf("pgstore: %w: %s", ErrDSN, withoutSecrets(err, u, dsn))
	}
	if config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, w, fmt.Errorf("pgstore: %w: default_query_exec_mode=simple_protocol puts email addresses into the text of "+
			"statements, which pg_stat_activity and the log of PostgreSQL show: remove it, PgBouncer does not need it", ErrDSN)
	}
	params := config.ConnConfig.RuntimeParams
	if _, found := params["application_name"]; !found {
		params["application_name"] = defaultName
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if config.PingTimeout == 0 {
		config.PingTimeout = pingTimeout
	}

	params["client_encoding"] = "UTF8" // whatever that of the role is: Go's texts are
	w.timeouts = maps.Clone(timeouts)
	for name := range timeouts {
		if value, found := params[name]; found {
			w.timeouts[name] = value
			delete(params, name)
		}
	}
	w.apply(config)
	config.ConnConfig.OnNotice = noteWarning
	config.AfterConnect = noteCommitLevel
	return config, w, nil
}

// withoutSecrets returns why a DSN is invalid, without quoting it.
func withoutSecrets(err error, u *url.URL, dsn string) string {
	var parsing *pgconn.ParseConfigError
	if cause := errors.Unwrap(err); errors.As(err, &parsing) && cause != nil {
		err = cause
	} else if errors.As(err, &parsing) {
		return "a value of it is invalid"
	}
	reason := err.Error()
	secrets := []string{dsn, u.String()}
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password, url.QueryEscape(password))
	}
	secrets = append(secrets, u.Query()["password"]...)
	secrets = append(secrets, u.Query()["sslpassword"]...)
	for _, secret := range secrets {
		if secret != "" && strings.Contains(reason, secret) {
			return "a value of it is invalid"
		}
	}
	return reason
}

// poolWords are Kratos' words for the pool of connections, zero if not given, and
// the timeouts of a session.
type poolWords struct {
	maxConns, maxIdleConns       int
	maxLifetime, maxConnIdleTime time.Duration
	timeouts                     map[string]string
}

// takePoolWords removes the words from a query. Pgx would send them to the server.
// The rest stays as it is: libpq does not read all characters as forms do.
func takePoolWords(query string) (others []string, w poolWords, err error) {
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "max_conns":
			w.maxConns, err = poolNumber(name, value)
		case "max_idle_conns":
			w.maxIdleConns, err = poolNumber(name, value)
		case "max_conn_lifetime":
			w.maxLifetime, err = poolDuration(name, value)
		case "max_conn_idle_time":
			w.maxConnIdleTime, err = poolDuration(name, value)
		case "":
		default:
			others = append(others, part)
		}
		if err != nil {
			return nil, w, err
		}
	}
	return others, w, nil
}

func poolNumber(name, value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 10_000 {
		return 0, fmt.Errorf("pgstore: %w: %s must be a number from 1 to 10000", ErrDSN, name)
	}
	return n, nil
}

func poolDuration(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("pgstore: %w: %s must be a duration such as \"1h\"", ErrDSN, name)
	}
	return d, nil
}

func (w poolWords) apply(config *pgxpool.Config) {
	if w.maxConns > 0 {
		config.MaxConns = int32(w.maxConns) //nolint:gosec // at most 10000
	}
	if w.maxLifetime > 0 {
		config.MaxConnLifetime = w.maxLifetime
	}
	if w.maxConnIdleTime > 0 {
		config.MaxConnIdleTime = w.maxConnIdleTime
	}
}
