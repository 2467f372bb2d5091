package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// ErrNotTried reports that no identity could be created to try with, because the
// schema requires other traits than an email address.
var ErrNotTried = errors.New("the schema requires more traits than an email address")

// TryRecovery tries what an acceptance without a password leads to: it creates an
// active identity with an address that does not exist, starts a recovery flow,
// submits its code as a browser does, and deletes the identity. It returns the page
// to which Kratos redirects the browser then.
//
// Errors: ErrNotTried; those of StartRecovery; else a *bridge.IdentityError.
func (c *Client) TryRecovery(ctx context.Context, schemaID, returnTo string) (settings *url.URL, err error) {
	k, ctx, cancel := c.begin(ctx, "try_recovery")
	defer cancel()
	trait, err := c.emailAt(ctx, schemaID)
	if err != nil {
		return nil, err
	}
	address := "doctor-" + uuid.NewString() + "@invitebridge.invalid"
	body, _ := json.Marshal(map[string]any{"schema_id": schemaID, "state": stateActive, "traits": traitAt(trait, address)}) // cannot fail
	a, err := k.write(ctx, c.post("/admin/identities", body, nil))
	var refused statusError
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusBadRequest:
		return nil, ErrNotTried
	case err != nil:
		return nil, k.classify(err, nil)
	}
	var made struct {
		ID uuid.UUID `json:"id"`
	}
	if parse(a.body, &made) != nil || made.ID == uuid.Nil {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.config.Timeout)
		defer cancel()
		_, gone := c.Write(after, bridge.Identity{ID: made.ID}, bridge.DeleteIdentity{})
		err = errors.Join(err, gone)
	}()
	flow, err := c.StartRecovery(ctx, bridge.RecoveryParams{IdentityID: made.ID, ReturnTo: returnTo, Lifespan: time.Minute})
	if err != nil {
		return nil, err
	}
	return c.public.submitCode(ctx, flow)
}

// submitCode submits the code of a recovery flow as a form, and returns where Kratos
// redirects the browser.
func (p *PublicClient) submitCode(ctx context.Context, flow bridge.RecoveryFlow) (*url.URL, error) {
	k, ctx, cancel := p.client.begin(ctx, "submit_code", flow.Code.Reveal())
	defer cancel()
	form := url.Values{"method": {"code"}, "code": {flow.Code.Reveal()}}.Encode()
	headers := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"}}
	res, err := p.client.do(ctx, http.MethodPost, "/self-service/recovery?flow="+flow.ID.String(), strings.NewReader(form), headers)
	if err != nil {
		return nil, k.fail(bridge.OutcomeUnknown, 0, textNoResponse, err)
	}
	defer func() { _ = res.Body.Close() }()
	to, err := res.Location()
	if err != nil {
		return nil, k.fail(bridge.OutcomeUnknown, res.StatusCode, "Kratos did not redirect to its settings page", nil)
	}
	return to, nil
}

// traitAt returns traits with a text at a dotted path.
func traitAt(path, text string) (value any) {
	value = text
	parts := strings.Split(path, ".")
	for i := len(parts) - 1; i >= 0; i-- {
		value = map[string]any{parts[i]: value}
	}
	return value
}
