package kratostest

import (
	"os"
	"testing"
)

// StartEveryMethod starts a real Kratos with every way to sign in, an OpenID
// provider of its own and the cheapest bcrypt, on top of o. It ends with the test.
// Tests that share one must run one after the other: in parallel, SQLite answers
// "database is locked".
func StartEveryMethod(t testing.TB, o Options) *Server {
	t.Helper()
	provider, err := NewProvider()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	o.EveryMethod, o.OIDC, o.BcryptCost = true, provider.Issuer, 4
	if o.Binary == "" {
		if o.Binary, err = Build(t.Context(), os.Stderr); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}
