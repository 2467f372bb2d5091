package kratostest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const (
	maxFakeBatch      = 1000
	maxFakeBatchV1    = 2000
	maxFakeIDs        = 500
	maxFakePage       = 500
	defaultFakePage   = 250
	textMalformed     = "The request was malformed or contained invalid parameters"
	textConflict      = "Unable to insert or update resource because a resource with that value exists already"
	textTooManyInOne  = "The maximum number of identities per request that can be created or deleted at once is %d."
	textTooManyFilter = "The number of ids to filter must not exceed 500."
)

// batchBody is the body of a PATCH of all identities.
type batchBody struct {
	Identities []struct {
		Create  *identityBody `json:"create"`
		PatchID *uuid.UUID    `json:"patch_id"`
	} `json:"identities"`
}

// batchResult is the result for one item of a batch.
type batchResult struct {
	Action   string          `json:"action"`
	Identity *uuid.UUID      `json:"identity,omitempty"`
	PatchID  *uuid.UUID      `json:"patch_id,omitempty"`
	Error    json.RawMessage `json:"error,omitempty"`
}

// fail records the error of a response.
func (r *batchResult) fail(answer reply) {
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal([]byte(answer.text), &body) // it is our own
	r.Action, r.Identity, r.Error = "error", nil, body.Error
}

// batch creates identities. Each has its own result. Only v1.3.1 creates none if an
// identifier is taken; it does not say so, and gives no reasons. A conflict of a
// batch of one is a conflict of the request.
func (f *Fake) batch(body []byte) reply {
	var b batchBody
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return undecodable(err.Error())
	}
	most := maxFakeBatch
	if !f.options.ExternalIDs {
		most = maxFakeBatchV1
	}
	if len(b.Identities) > most {
		return refusal(http.StatusBadRequest, fmt.Sprintf(textTooManyInOne, most), textMalformed)
	}
	results := make([]*batchResult, len(b.Identities))
	made, at := []*fakeIdentity(nil), map[uuid.UUID]*batchResult{}
	for n, patch := range b.Identities {
		if patch.Create == nil {
			continue
		}
		if text := patch.Create.unknownField(f.options); text != "" {
			return undecodable(text)
		}
		result := &batchResult{Action: "create", PatchID: patch.PatchID}
		results[n] = result
		now := f.now()
		i, r, ok := patch.Create.identity(f.options, now)
		switch {
		case i == nil:
			return r // an invalid state
		case !ok && !f.options.ExternalIDs:
			result.fail(refusal(http.StatusBadRequest, textMalformed, textMalformed))
		case !ok:
			result.fail(r)
		default:
			i.CreatedAt = f.options.written(now)
			made, at[i.ID] = append(made, i), result
			result.Identity = &i.ID
		}
	}
	for id := range f.identity.insertAll(made, !f.options.ExternalIDs) {
		conflict := refusal(http.StatusConflict, "", textConflict)
		if len(made) == 1 {
			return conflict
		}
		at[id].fail(conflict)
	}
	return jsonReply(http.StatusOK, map[string]any{"identities": results})
}

// undecodable returns the response to a batch that cannot be decoded, in which
// Kratos' code differs from the status.
func undecodable(message string) reply {
	r := refusal(http.StatusInternalServerError, "", message)
	r.status = http.StatusBadRequest
	return r
}

// listByID returns one page of the identities with these ids, in the order of the
// ids. Only with a credential type does it include credentials.
func (f *Fake) listByID(q url.Values, methods []string) reply {
	ids := q["ids"]
	if len(ids) > maxFakeIDs && f.options.ExternalIDs {
		return refusal(http.StatusBadRequest, textTooManyFilter, textMalformed)
	}
	size := defaultFakePage
	if n, err := strconv.Atoi(q.Get("page_size")); err == nil && n > 0 {
		size = min(n, maxFakePage)
	}
	shown := []shownIdentity{}
	for _, text := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		id, err := uuid.Parse(strings.TrimSpace(text))
		if err != nil {
			return refusal(http.StatusBadRequest, fmt.Sprintf("Invalid UUID value `%s` for parameter `ids`.", text), textMalformed)
		}
		i, ok := f.identity.byID(id)
		if !ok || len(shown) == size {
			continue
		}
		one := i.show(f.options, methods)
		if len(methods) == 0 {
			one.Credentials = nil
		}
		shown = append(shown, one)
	}
	return jsonReply(http.StatusOK, shown)
}
