package kratostest_test

import (
	"net/url"
	"os"
	"testing"

	"invitebridge/kratos/kratostest"
)

// Databases of one cluster are independent, and Stop leaves nothing behind.
func TestPostgres(t *testing.T) {
	kratostest.OwnPostgres(t) // skips without PostgreSQL
	p, err := kratostest.StartPostgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	email := freshEmail()
	binary, err := kratostest.Build(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var dsn string
	for range 2 {
		if dsn, err = p.NewDatabase(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := kratostest.Start(t.Context(), kratostest.Options{Binary: binary, BcryptCost: 4, DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(t.Context(), person("active", email)); err != nil {
			t.Error(err)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
	address, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if isOpen(t, "http://"+address.Host) {
		t.Errorf("%s is open", address.Host)
	}
}
