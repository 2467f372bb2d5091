package kratostest

import (
	"os"
	"testing"
)

// StartEveryMethod starts a real Kratos with options o, every sign-in method,
// an OpenID provider of its own and the lowest bcrypt cost. It stops with the
// test. Tests that share it must run sequentially: in parallel, SQLite answers
// "database is locked".
func StartEveryMethod(t testing.TB, o Options) *Server {
	t.Helper()
	SkipIfShort(t)
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
