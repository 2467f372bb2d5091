package bridge_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// own are schemas of one id, whose traits are these.
func own(traits string) kratostest.Options {
	text := `{"type":"object","properties":{"traits":{"type":"object","properties":{` + traits + `}}}}`
	return kratostest.Options{BcryptCost: 4, Schemas: map[string]string{"own": text}}
}

// TestTrust_schema_changes: a schema that says by now where else the address is,
// or that others may be it, hands nobody's account over and ends no invitation.
func TestTrust_schema_changes(t *testing.T) {
	t.Parallel()
	const address = `{"type":"string","ory.sh/kratos":{"credentials":{"password":{"identifier":true}},"verification":{"via":"email"},"recovery":{"via":"email"}}}`
	for name, after := range map[string]string{
		"the address is elsewhere":  `"contact":{"type":"object","properties":{"email":` + address + `}}`,
		"a stranger's is one too":   `"email":` + address + `,"stray":` + address,
		"it is no address any more": `"email":{"type":"string"},"username":{"type":"string","ory.sh/kratos":{"credentials":{"password":{"identifier":true}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir, schema := t.TempDir(), func(c *bridge.Config) { c.SchemaID = "own" }
			options := own(`"email":` + address)
			options.Dir = dir
			kratos := must[*kratostest.Server](t)(kratostest.Start(t.Context(), options))
			l := newLive(t, kratos, schema)
			made := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
			found := freshEmail()
			must[uuid.UUID](t)(l.Create(t.Context(), `{"schema_id":"own","state":"inactive","traits":{"email":"`+found+`","stray":"stranger-`+found+`"}}`))
			adopted := l.invite(t, bridge.InviteRequest{Email: found})
			do(t, errors.Join(l.bolt.Close(), kratos.Stop()))

			options = own(after)
			options.Dir = dir
			kratos = must[*kratostest.Server](t)(kratostest.Start(t.Context(), options))
			t.Cleanup(func() { _ = kratos.Stop() })
			now := newLive(t, kratos, schema)
			now.restart(t, l.path)
			for _, offer := range []bridge.Offer{made, adopted} {
				_, err := now.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
				refused(t, err, bridge.ErrKratosRejected)
				now.notBroken(t, account{
					id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "inactive", strangers: []string{invitees}, token: offer.Token.Reveal(),
				})
			}
		})
	}
}
