package kratos

import (
	"context"
	"net/http"
	"unicode/utf8"

	ory "github.com/ory/client-go"

	"invitebridge/bridge"
)

// put writes the whole identity anew, with a password. The mark is not written if
// it is zero.
func (k call) put(ctx context.Context, i bridge.Identity, state string, mark bridge.Mark, password string) error {
	body, err := k.whole(i, state, mark, password)
	if err != nil {
		return err
	}
	written, err := k.change(ctx, i, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.UpdateIdentity(ctx, i.ID.String()).UpdateIdentityBody(body).Execute()
		return res, err
	})
	if err == nil && (written.Active != (state == stateActive) || !carries(written, mark)) {
		return k.fail(bridge.OutcomeUnknown, http.StatusOK, textOddBody, nil)
	}
	return err
}

// whole is all of the identity, for a PUT erases what it leaves out. external_id
// is sent only where there is one: v1.3.1 does not know it.
func (k call) whole(i bridge.Identity, state string, mark bridge.Mark, password string) (ory.UpdateIdentityBody, error) {
	var none ory.UpdateIdentityBody
	if err := k.check(password); err != nil {
		return none, err
	}
	traits, err := asValues(i.Traits)
	if err != nil {
		return none, k.refuse("the identity's traits are not an object")
	}
	admin := i.MetadataAdmin
	if mark != (bridge.Mark{}) {
		if admin, err = putMark(admin, mark); err != nil {
			return none, k.refuse("%v", err)
		}
	}
	body := *ory.NewUpdateIdentityBody(i.SchemaID, state, traits)
	if admin != nil { // a nil RawMessage in an interface would be sent as null
		body.MetadataAdmin = admin
	}
	if i.MetadataPublic != nil {
		body.MetadataPublic = i.MetadataPublic
	}
	if i.ExternalID != "" {
		body.ExternalId = &i.ExternalID
	}
	body.Credentials = &ory.IdentityWithCredentials{Password: &ory.IdentityWithCredentialsPassword{
		Config: &ory.IdentityWithCredentialsPasswordConfig{Password: &password},
	}}
	return body, nil
}

// check refuses passwords that Kratos could not store as they are.
func (k call) check(password string) error {
	switch {
	case password == "":
		return k.invalid("the password is empty")
	case len(password) > bridge.MaxPasswordLength:
		return k.invalid("the password has more than %d bytes", bridge.MaxPasswordLength) // Kratos answers 500
	case !utf8.ValidString(password):
		return k.invalid("the password is not valid UTF-8") // JSON would change it
	}
	return nil
}
