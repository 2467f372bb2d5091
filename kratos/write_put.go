package kratos

import (
	"context"
	"net/http"
	"unicode/utf8"

	ory "github.com/ory/client-go"

	"invitebridge/bridge"
)

// put replaces the whole identity, with a password. A zero mark is not written.
func (k call) put(ctx context.Context, i bridge.Identity, state string, mark bridge.Mark, password string) error {
	body, err := k.fullBody(i, state, mark, password)
	if err != nil {
		return err
	}
	written, err := k.replaceOrPatch(ctx, i, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.UpdateIdentity(ctx, i.ID.String()).UpdateIdentityBody(body).Execute()
		return res, err
	})
	if err == nil && (written.Active != (state == stateActive) || !hasMark(written, mark)) {
		return k.fail(bridge.OutcomeUnknown, http.StatusOK, textMalformedBody, nil)
	}
	return err
}

// fullBody returns the whole identity, because a PUT erases what it omits. It
// includes external_id only if there is one: v1.3.1 does not know the field.
func (k call) fullBody(i bridge.Identity, state string, mark bridge.Mark, password string) (ory.UpdateIdentityBody, error) {
	var none ory.UpdateIdentityBody
	if err := k.checkPassword(password); err != nil {
		return none, err
	}
	traits, err := asValues(i.Traits)
	if err != nil {
		return none, k.rejected("the identity's traits are not an object")
	}
	admin := i.MetadataAdmin
	if mark != (bridge.Mark{}) {
		if admin, err = addMark(admin, mark); err != nil {
			return none, k.rejected("%v", err)
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

// checkPassword rejects passwords that Kratos could not store unchanged.
func (k call) checkPassword(password string) error {
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
