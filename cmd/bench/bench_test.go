package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"invitebridge/kratos/kratostest"
)

func TestMain(m *testing.M) {
	if !runHelper() {
		os.Exit(kratostest.Main(m))
	}
}

// TestRun: the smallest real turns measure something, with all kinds of processes.
func TestRun(t *testing.T) {
	kratostest.SkipIfShort(t)
	t.Setenv(envDSN, "sqlite")
	var out strings.Builder
	if err := run(t.Context(), options{turns: 1, turn: time.Millisecond, pending: 1, rows: 1, out: &out}, "mail,mine,alone,import,import-memory"); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	for _, row := range []string{
		`- the database of Kratos: SQLite\n`,
		`\| invite with an email / bare create, 16 at once \| \d+\.\d\d \|  \| ≥ 0\.82 \|`,
		`\| invite by a member / invite by a key, 16 at once \| \d+\.\d\d \|  \|  \|`,
		`\| invite \+ removal / bare create \+ delete, 16 at once \| \d+\.\d\d \|  \|  \|`,
		`\| invites a second, with a Kratos that answers at once, 16 at once \| [1-9]\d* \|`,
		`\| import / bare batch, rows a second from the first byte of the file \| \d+\.\d\d \|  \| ≥ 0\.85 \|`,
		`\| import with emails: CPU [^|]* \| \d+\.\d\d \|  \| ≤ 0\.15 \|`,
		`\| invite, 20 a second, during an import / without one: p99 \| \d+\.\d\d \|  \| ≤ 3\.00 \|`,
		`\| anonymous memory over idle while 1 rows are loaded and imported \| \d+\.\d MiB \|  \| ≤ 64\.0 MiB \|`,
		`\| invite with an email \| 16 \| \d[^|]*\| [^|]*\| \d+\.\d\d \| \d+\.\d\d \| 0\.00 \| \d+\.\d\d \|`,
	} {
		if !regexp.MustCompile(row).MatchString(out.String()) {
			t.Errorf("no line matches %s", row)
		}
	}
}

// TestRun_postgres: the same with a bridge on PostgreSQL, and with pending invitations
// there.
func TestRun_postgres(t *testing.T) {
	kratostest.SharedPostgres(t) // or skip
	t.Setenv(envDSN, "postgres")
	var out strings.Builder
	if err := run(t.Context(), options{turns: 1, turn: time.Millisecond, pending: 3000, rows: 1, out: &out}, "postgres"); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	for _, row := range []string{
		`- the database of Kratos: PostgreSQL`,
		`\| invite, PostgreSQL / bare create, 16 at once \| \d+\.\d\d \|  \| ≥ 0\.75 \|`,
		`\| import, PostgreSQL / bare batch, [^|]* \| \d+\.\d\d \|  \| ≥ 0\.85 \|`,
		`\| accept, token of the API, PostgreSQL / bare PUT, bcrypt 8, 16 at once \| \d+\.\d\d \|  \| ≥ 0\.85 \|`,
		`\| preview of a token, PostgreSQL: time with 3000 pending / with none \| \d+\.\d\d \|  \| ≤ 1\.30 \|`,
	} {
		if !regexp.MustCompile(row).MatchString(out.String()) {
			t.Errorf("no line matches %s", row)
		}
	}
}

func TestRun_refused(t *testing.T) {
	valid := options{turns: 1, turn: time.Second, pending: 1, rows: 1}
	for name, c := range map[string]struct {
		o    options
		only string
		want string
	}{
		"no turns":           {options{turn: time.Second, pending: 1, rows: 1}, "", "must be positive"},
		"no length":          {options{turns: 1, pending: 1, rows: 1}, "", "must be positive"},
		"no invitations":     {options{turns: 1, turn: time.Second, rows: 1}, "", "must be positive"},
		"no rows":            {options{turns: 1, turn: time.Second, pending: 1}, "", "must be positive"},
		"an unknown section": {valid, "invite,male", `there is no section "male"; there are invite, mail`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(t.Context(), c.o, c.only); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Error(err)
			}
		})
	}
}

// TestInvitationToken: the token is found where quoted-printable text breaks it.
func TestInvitationToken(t *testing.T) {
	const token = "AbCdEfGhIjKlMnOpQr-_12"
	for email, want := range map[string]string{
		"http://127.0.0.1:4488/invite/" + token + "\r\n":                     token,
		"http://127.0.0.1:4488/invite/AbCdEfGhIj=\r\nKlMnOpQr-_12\">accept<": token,
		"http://127.0.0.1:4488/inv=\r\nite/" + token + " ":                   token,
		"no link": "",
	} {
		if got := invitationToken([]byte(email)); got != want {
			t.Errorf("%q: %q", email, got)
		}
	}
}
