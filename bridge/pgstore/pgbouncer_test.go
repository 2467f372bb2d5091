package pgstore

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/storetest"
	"invitebridge/kratos/kratostest"

	"github.com/jackc/pgx/v5"
)

// TestPgBouncer runs the suite about transactions through PgBouncer in transaction mode.
func TestPgBouncer(t *testing.T) {
	b := kratostest.StartPgBouncer(t, "transaction")
	byDir := map[string]string{}
	storetest.RunTransactions(t, func(t testing.TB, dir string) bridge.Store {
		direct, found := byDir[dir]
		if !found {
			direct = newDatabase(t)
			byDir[dir] = direct
			t.Cleanup(func() { checkCounters(t, direct) })
		}
		return open(t, b.Through(direct))
	})
}

// TestPgBouncerTimeouts: each transaction has the timeouts of the DSN, and the
// session keeps none of them.
func TestPgBouncerTimeouts(t *testing.T) {
	b := kratostest.StartPgBouncer(t, "transaction")
	dsn := withWords(t, newDatabase(t), "lock_timeout", "1234ms")
	for name, through := range map[string]string{"direct": dsn, "pooled": b.Through(dsn)} {
		t.Run(name, func(t *testing.T) {
			s := open(t, through)
			for _, begin := range []string{beginUpdate, beginView} {
				u := session{store: s, ctx: t.Context(), begin: []statement{{sql: begin}}}
				if got := setting(t, &u, "lock_timeout"); got != "1234ms" {
					t.Errorf("%s: lock_timeout is %s", begin, got)
				}
				u.end()
			}
		})
	}
	// The pool of PgBouncer has one session, which the transactions above had.
	plain, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	plain.RawQuery = "sslmode=disable&default_query_exec_mode=simple_protocol"
	var got string
	err = connect(t, b.Through(plain.String())).QueryRow(t.Context(), "SELECT current_setting('lock_timeout')").Scan(&got)
	if err != nil || got != "0" {
		t.Errorf("after the transactions lock_timeout is %q (%v)", got, err)
	}
}

// TestPgBouncerTrips: the timeouts and the statements that are not prepared cost no
// round trip.
func TestPgBouncerTrips(t *testing.T) {
	direct := newDatabase(t)
	put(t, open(t, direct), sample(1))
	trips := map[string]int{}
	for name, dsn := range map[string]string{"direct": direct, "pooled": kratostest.StartPgBouncer(t, "transaction").Through(direct)} {
		proxy, dsn := startProxy(t, dsn)
		s := open(t, withWords(t, dsn, "max_conns", "1"))
		for range 3 { // the first one describes or prepares the statements
			before := proxy.roundTrips()
			if err := incrementOnce(s); err != nil {
				t.Fatal(err)
			}
			trips[name] = proxy.roundTrips() - before
		}
	}
	if trips["direct"] == 0 || trips["pooled"] != trips["direct"] {
		t.Errorf("got the round trips %v, want the same", trips)
	}
}

// TestPgBouncerCut: the outcome of a commit whose response was lost on the way to
// PgBouncer is found out through PgBouncer.
func TestPgBouncerCut(t *testing.T) {
	direct := newDatabase(t)
	put(t, open(t, direct), sample(1))
	proxy, dsn := startProxy(t, kratostest.StartPgBouncer(t, "transaction").Through(direct))
	s := open(t, withWords(t, dsn, "max_conns", "1"))
	inv := sample(1)
	increment(t, s, inv.ID, nil) // describes all statements
	want := epochOf(t, s, inv.ID)
	for n := 0; n < 400; n += 40 {
		for name, cut := range map[string]func(){"request": func() { proxy.cut(n, -1) }, "response": func() { proxy.cut(-1, n) }} {
			increment(t, s, inv.ID, sync.OnceFunc(cut))
			proxy.cut(-1, -1)
			want++
			if got := epochOf(t, s, inv.ID); got != want {
				t.Fatalf("%s cut after %d bytes: the counter is %d, want %d", name, n, got, want)
			}
		}
	}
}

// TestPgBouncerMigrate: a migration through transaction mode is refused before it
// changes anything; through session mode it works. The status is available through
// both.
func TestPgBouncerMigrate(t *testing.T) {
	for mode, want := range map[string]error{"transaction": ErrPooled, "session": nil} {
		t.Run(mode, func(t *testing.T) {
			dsn := kratostest.StartPgBouncer(t, mode).Through(emptyDatabase(t))
			if err := Migrate(t.Context(), dsn); !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), adviceDirect) {
				t.Fatalf("got %v, want %v and advice", err, want)
			}
			list, err := Migrations(t.Context(), dsn)
			status := map[error]string{ErrPooled: StatusPending, nil: StatusApplied}[want]
			if err != nil || len(list) == 0 || list[0].Status != status {
				t.Errorf("got %v (%v), want %s", list, err, status)
			}
		})
	}
}

// setting returns a setting in a transaction.
func setting(t testing.TB, u *session, name string) (value string) {
	t.Helper()
	err := u.send(statement{sql: "SELECT current_setting($1)", args: []any{name}, rows: func(rows pgx.Rows) (err error) {
		value, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return value
}
