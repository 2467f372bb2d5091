package pgstore_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/pgstore"
	"invitebridge/kratos/kratostest"

	"github.com/jackc/pgx/v5"
)

// TestForget: of a person who was forgotten, no row of any table has anything.
func TestForget(t *testing.T) {
	dsn, err := kratostest.SharedPostgres(t).NewDatabase(t.Context())
	if err == nil {
		err = pgstore.Migrate(t.Context(), dsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := bridgetest.NewOn(t, func(t testing.TB, _ string) bridge.Store {
		s, err := pgstore.Open(context.Background(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, kratostest.FakeOptions{}, func(c *bridge.Config) { c.MessageTraits = []string{"name.first"} })
	o, err := w.Service.Invite(t.Context(), bridge.InviteRequest{
		Email: "ada.lovelace@example.com", Traits: []byte(`{"name":{"first":"Countess"}}`), InviterName: "Charles Babbage",
	})
	if err != nil {
		t.Fatal(err)
	}
	bodies := []string{`{"email":"Ada.Lovelace@example.com","inviter_name":"Babbage"}`, `{"email":"ada.lovelace@example.com"}`, `{"email":"ada.lovelace@example.com","unknown":"Countess"}`}
	_, _, err = w.Service.Import(t.Context(), bridge.ImportRequest{}, func() (row bridge.FileRow, err error) {
		if len(bodies) == 0 {
			return row, io.EOF
		}
		row.Line, row.Body = 4-len(bodies), []byte(bodies[0])
		bodies = bodies[1:]
		return row, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ada.lovelace", "countess", "babbage"} {
		if n := rowsWith(t, dsn, text); len(n) < 2 {
			t.Fatalf("%s is in %q only: this test proves nothing", text, n)
		}
	}
	if f, err := w.Service.Forget(t.Context(), o.Invitation.ID); err != nil || f.ImportRows != 3 || f.Identity != bridge.IdentityDeleted {
		t.Fatalf("%+v, %v", f, err)
	}
	for _, text := range []string{"ada", "lovelace", "countess", "babbage", o.Invitation.ID.String()} {
		if n := rowsWith(t, dsn, text); len(n) > 0 {
			t.Errorf("%s is in %q", text, n)
		}
	}
}

// rowsWith returns the tables that have a row with a text in any column.
func rowsWith(t *testing.T, dsn, text string) (found []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'invitebridge'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 5 {
		t.Fatalf("tables %q, %v", tables, err)
	}
	for _, table := range tables {
		var n int
		query := fmt.Sprintf("SELECT count(*) FROM invitebridge.%s t WHERE strpos(lower(t::text), $1) > 0 OR strpos(lower(to_jsonb(t)::text), $1) > 0", table)
		if err := conn.QueryRow(t.Context(), query, strings.ToLower(text)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found = append(found, table)
		}
	}
	return found
}
