package kratos_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
	"invitebridge/bridge/tlsfault/tlstest"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// discard is for servers whose log output is expected.
var discard = log.New(io.Discard, "", 0)

func TestMain(m *testing.M) {
	untrust, err := tlstest.Trust()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := kratostest.Main(m)
	untrust()
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

// longTimeout is for busy machines: the contract for a hundred concurrent calls
// must not depend on their duration.
const longTimeout = testenv.Limit

func TestContract(t *testing.T) {
	t.Run("Fake", func(t *testing.T) {
		kratostest.Contract(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			f := newFake(t, kratostest.FakeOptions{})
			return newClient(t, kratos.Config{AdminURL: f.URL, PublicURL: f.URL, Timeout: longTimeout}), f
		})
	})
	t.Run("FakeOfLaterKratos", func(t *testing.T) {
		kratostest.Contract(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			f := newFake(t, kratostest.FakeOptions{ExternalIDs: true})
			return newClient(t, kratos.Config{AdminURL: f.URL + "/", PublicURL: f.URL + "/", Timeout: longTimeout}), f
		})
	})
	t.Run("Real", func(t *testing.T) {
		kratostest.Contract(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			s := kratostest.Shared(t)
			return newClient(t, kratos.Config{AdminURL: s.AdminURL, PublicURL: s.PublicURL, Timeout: longTimeout}), s
		})
	})
}

func TestContractOfEveryMethod(t *testing.T) {
	for name, later := range map[string]bool{"Fake": false, "FakeOfLaterKratos": true} {
		t.Run(name, func(t *testing.T) {
			kratostest.ContractOfEveryMethod(t, func(t *testing.T) (bridge.Identities, kratostest.Holder) {
				f := newFake(t, kratostest.FakeOptions{ExternalIDs: later, CodeLogin: true})
				return newClient(t, kratos.Config{AdminURL: f.URL, PublicURL: f.URL, Timeout: longTimeout}), f
			})
		})
	}
	t.Run("Real", func(t *testing.T) {
		kratostest.SkipIfShort(t)
		p, err := kratostest.NewProvider()
		must(t, err)
		defer p.Close()
		s, err := kratostest.Start(t.Context(), kratostest.Options{EveryMethod: true, OIDC: p.Issuer, BcryptCost: 4})
		must(t, err)
		defer func() { must(t, s.Stop()) }()
		kratostest.ContractOfEveryMethod(t, func(t *testing.T) (bridge.Identities, kratostest.Holder) {
			return newClient(t, kratos.Config{AdminURL: s.AdminURL, PublicURL: s.PublicURL, Timeout: longTimeout}), s
		})
	})
}

func TestContractOfSchemas(t *testing.T) {
	t.Run("Fake", func(t *testing.T) {
		kratostest.ContractOfSchemas(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			f := newFake(t, kratostest.FakeOptions{Schemas: kratostest.CompanySchemas()})
			return newClient(t, kratos.Config{AdminURL: f.URL, PublicURL: f.URL, Timeout: longTimeout}), f
		})
	})
	t.Run("Real", func(t *testing.T) {
		kratostest.SkipIfShort(t)
		s, err := kratostest.Start(t.Context(), kratostest.Options{Schemas: kratostest.CompanySchemas(), BcryptCost: 4})
		must(t, err)
		defer func() { must(t, s.Stop()) }()
		kratostest.ContractOfSchemas(t, func(t *testing.T) (bridge.Identities, kratostest.Admin) {
			return newClient(t, kratos.Config{AdminURL: s.AdminURL, PublicURL: s.PublicURL, Timeout: longTimeout}), s
		})
	})
}
