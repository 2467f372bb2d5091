package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	ory "github.com/ory/client-go"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// StartRecovery creates a recovery code, which works even if Kratos' recovery flow
// is disabled for users. See [bridge.Identities].
//
// Errors: OutcomeInvalid if Kratos does not permit the return URL; OutcomeRejected
// if the method code is disabled there.
func (c *Client) StartRecovery(ctx context.Context, p bridge.RecoveryParams) (flow bridge.RecoveryFlow, err error) {
	k, ctx, cancel := c.begin(ctx, "recovery")
	defer cancel()
	path := "/admin/recovery/code"
	if p.ReturnTo != "" { // Kratos ignores it in the body
		path += "?" + url.Values{"return_to": {p.ReturnTo}}.Encode()
	}
	body := ory.CreateRecoveryCodeForIdentityBody{IdentityId: p.IdentityID.String()}
	if p.Lifespan > 0 {
		body.SetExpiresIn(p.Lifespan.String())
	}
	if p.Native { // the default of every version is a browser
		body.SetFlowType("api")
	}
	encoded, _ := json.Marshal(body) // cannot fail for strings
	a, err := k.write(ctx, c.post(path, encoded, nil))
	if err != nil {
		return flow, k.recoveryError(err)
	}
	var j struct {
		Link      string    `json:"recovery_link"`
		Code      string    `json:"recovery_code"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	if parse(a.body, &j) == nil && j.Code != "" {
		flow = bridge.RecoveryFlow{URL: j.Link, Code: bridge.NewCode(j.Code), ExpiresAt: j.ExpiresAt}
		if flow.ID, err = flowID(j.Link); err == nil {
			return flow, nil
		}
	}
	return bridge.RecoveryFlow{}, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
}

// flowID returns the flow in a URL of one of Kratos' pages.
func flowID(page string) (uuid.UUID, error) {
	u, err := url.Parse(page)
	if err != nil {
		return uuid.Nil, err
	}
	return uuid.Parse(u.Query().Get("flow"))
}

func (k call) recoveryError(err error) error {
	var r statusError
	if errors.As(err, &r) && r.status == http.StatusBadRequest {
		if p, fromKratos := parseProblem(r); fromKratos {
			return k.fail(bridge.OutcomeInvalid, r.status, k.safe(p.text()), nil)
		}
	}
	if isNotFound(err, messageNotFound) {
		return bridge.ErrIdentityNotFound
	}
	return k.classify(err, nil)
}
