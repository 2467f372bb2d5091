package kratos

import (
	"context"
	"encoding/json"
	"net/http"

	ory "github.com/ory/client-go"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"invitebridge/bridge"
)

// verdict is what Kratos reports about one identity of a batch. Whether it is true
// that one was created, only a read shows.
type verdict struct {
	Action   string         `json:"action"`
	Identity uuid.UUID      `json:"identity"`
	PatchID  uuid.UUID      `json:"patch_id"`
	Error    jsontext.Value `json:"error"`
}

func (v verdict) created() bool { return v.Action == "create" && v.Identity != uuid.Nil }

// problem returns the error in the form of an error response.
func (v verdict) problem() (p problem, r statusError) {
	if missing(v.Error) || parse(v.Error, &p) != nil {
		return problem{}, statusError{}
	}
	body, err := json.Marshal(map[string]json.RawMessage{"error": json.RawMessage(v.Error)})
	if err != nil {
		return problem{}, statusError{}
	}
	return p, statusError{status: p.Code, body: body}
}

// send sends one batch. The verdicts are by the id of the invitation.
func (b *batch) send(ctx context.Context, items []*item) (map[uuid.UUID]verdict, error) {
	patches := make([]ory.IdentityPatch, len(items))
	for i, t := range items {
		id := t.params.InvitationID.String()
		patches[i] = ory.IdentityPatch{Create: &t.body, PatchId: &id}
	}
	k := b.call
	k.items = len(items)
	a, err := k.write(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.BatchPatchIdentities(ctx).PatchIdentitiesBody(ory.PatchIdentitiesBody{Identities: patches}).Execute()
		return res, err
	})
	if err != nil {
		return nil, err
	}
	var body struct {
		Identities []verdict `json:"identities"`
	}
	if parse(a.body, &body) != nil || body.Identities == nil {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	verdicts := make(map[uuid.UUID]verdict, len(items))
	for _, v := range body.Identities {
		verdicts[v.PatchID] = v
	}
	return verdicts, nil
}

// settle gives each item of a batch its result.
func (b *batch) settle(ctx context.Context, items []*item, verdicts map[uuid.UUID]verdict) {
	var made, unexplained []*item
	exists := false
	for _, t := range items {
		v := verdicts[t.params.InvitationID]
		p, r := v.problem()
		switch {
		case v.created():
			t.id = v.Identity
			made = append(made, t)
		case p.Code == http.StatusBadRequest && (p.Reason == "" || p.Reason == p.Message):
			unexplained = append(unexplained, t)
		case p.Code != 0:
			exists = exists || p.Code == http.StatusConflict
			b.failed(t, b.createError(ctx, r, t.params.SchemaID))
		default:
			b.failed(t, b.fail(bridge.OutcomeUnknown, http.StatusOK, textMalformedBody, nil))
		}
	}
	if hidden := b.read(ctx, made); exists && len(hidden) == len(made) {
		for _, t := range hidden {
			t.id = uuid.Nil
		}
		b.create(ctx, hidden)
	}
	b.createEach(ctx, unexplained)
}
