package bridge_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// ownSchema returns options with the schema "own", which has these traits.
func ownSchema(traits string) kratostest.Options {
	text := `{"type":"object","properties":{"traits":{"type":"object","properties":{` + traits + `}}}}`
	return kratostest.Options{BcryptCost: 4, Schemas: map[string]string{"own": text}}
}

// TestTrust_schema_changes: a changed schema, which has the address elsewhere
// or allows further addresses, hands no account over and ends no invitation.
func TestTrust_schema_changes(t *testing.T) {
	kratostest.SkipIfShort(t)
	t.Parallel()
	const address = `{"type":"string","ory.sh/kratos":{"credentials":{"password":{"identifier":true}},"verification":{"via":"email"},"recovery":{"via":"email"}}}`
	for name, after := range map[string]string{
		"the address is elsewhere":   `"contact":{"type":"object","properties":{"email":` + address + `}}`,
		"another trait is one too":   `"email":` + address + `,"stray":` + address,
		"it is no longer an address": `"email":{"type":"string"},"username":{"type":"string","ory.sh/kratos":{"credentials":{"password":{"identifier":true}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir, schema := t.TempDir(), func(c *bridge.Config) { c.SchemaID = "own" }
			options := ownSchema(`"email":` + address)
			options.Dir = dir
			kratos := must[*kratostest.Server](t)(kratostest.Start(t.Context(), options))
			l := newLive(t, kratos, schema)
			made := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
			found := freshEmail()
			must[uuid.UUID](t)(l.Create(t.Context(), `{"schema_id":"own","state":"inactive","traits":{"email":"`+found+`","stray":"stranger-`+found+`"}}`))
			adopted := l.invite(t, bridge.InviteRequest{Email: found})
			noError(t, errors.Join(l.bolt.Close(), kratos.Stop()))

			options = ownSchema(after)
			options.Dir = dir
			kratos = must[*kratostest.Server](t)(kratostest.Start(t.Context(), options))
			t.Cleanup(func() { _ = kratos.Stop() })
			now := newLive(t, kratos, schema)
			now.restart(t, l.path)
			for _, offer := range []bridge.IssuedInvitation{made, adopted} {
				_, err := now.tryAccept(t, offer.Token.Reveal(), inviteePassword)
				refused(t, err, bridge.ErrKratosRejected)
				now.checkAccount(t, account{
					id: offer.Invitation.IdentityID, email: offer.Invitation.Email, state: "inactive", strangers: []string{inviteePassword}, token: offer.Token.Reveal(),
				})
			}
		})
	}
}
