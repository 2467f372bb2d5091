package kratos_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/tlsfault/tlstest"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// discard is for servers whose complaints are the point of the test.
var discard = log.New(io.Discard, "", 0)

func TestMain(m *testing.M) {
	forget, err := tlstest.Trust()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := kratostest.Main(m)
	forget()
	os.Exit(code)
}

func newClient(t *testing.T, config kratos.Config) *kratos.Client {
	t.Helper()
	c, err := kratos.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newFake(t *testing.T, o kratostest.FakeOptions) *kratostest.Fake {
	t.Helper()
	f, err := kratostest.NewFake(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// patience is for a machine that has other things to do: what the contract says
// of a hundred calls at once must not depend on how long they take.
const patience = time.Minute

func TestContract(t *testing.T) {
	t.Run("Fake", func(t *testing.T) {
		kratostest.Contract(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			f := newFake(t, kratostest.FakeOptions{})
			return newClient(t, kratos.Config{AdminURL: f.URL, PublicURL: f.URL, Timeout: patience}), f
		})
	})
	t.Run("FakeOfLaterKratos", func(t *testing.T) {
		kratostest.Contract(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
			return newClient(t, kratos.Config{AdminURL: f.URL + "/", PublicURL: f.URL + "/", Timeout: patience}), f
		})
	})
	t.Run("Real", func(t *testing.T) {
		kratostest.Contract(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			s := kratostest.Shared(t)
			return newClient(t, kratos.Config{AdminURL: s.AdminURL, PublicURL: s.PublicURL, Timeout: patience}), s
		})
	})
}

func TestContractOfEveryMethod(t *testing.T) {
	for name, later := range map[string]bool{"Fake": false, "FakeOfLaterKratos": true} {
		t.Run(name, func(t *testing.T) {
			kratostest.ContractOfEveryMethod(t, func(t *testing.T) (bridge.Identities, kratostest.Holder) {
				f := newFake(t, kratostest.FakeOptions{ExternalIDs: later, CodeLogin: true})
				return newClient(t, kratos.Config{AdminURL: f.URL, PublicURL: f.URL, Timeout: patience}), f
			})
		})
	}
	t.Run("Real", func(t *testing.T) {
		p, err := kratostest.NewProvider()
		must(t, err)
		defer p.Close()
		s, err := kratostest.Start(t.Context(), kratostest.Options{EveryMethod: true, OIDC: p.Issuer, BcryptCost: 4})
		must(t, err)
		defer func() { must(t, s.Stop()) }()
		kratostest.ContractOfEveryMethod(t, func(t *testing.T) (bridge.Identities, kratostest.Holder) {
			return newClient(t, kratos.Config{AdminURL: s.AdminURL, PublicURL: s.PublicURL, Timeout: patience}), s
		})
	})
}

func TestContractOfSchemas(t *testing.T) {
	t.Run("Fake", func(t *testing.T) {
		kratostest.ContractOfSchemas(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			f := newFake(t, kratostest.FakeOptions{Schemas: kratostest.CompanySchemas()})
			return newClient(t, kratos.Config{AdminURL: f.URL, PublicURL: f.URL, Timeout: patience}), f
		})
	})
	t.Run("Real", func(t *testing.T) {
		s, err := kratostest.Start(t.Context(), kratostest.Options{Schemas: kratostest.CompanySchemas(), BcryptCost: 4})
		must(t, err)
		defer func() { must(t, s.Stop()) }()
		kratostest.ContractOfSchemas(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			return newClient(t, kratos.Config{AdminURL: s.AdminURL, PublicURL: s.PublicURL, Timeout: patience}), s
		})
	})
}
