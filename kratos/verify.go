package kratos

import (
	"context"
	"fmt"
	"net/http"
	"time"

	ory "github.com/ory/client-go"

	"invitebridge/bridge"
)

// verify marks the email address as verified. Kratos v1.3.1 refuses any PATCH of
// an identity that holds a number too large for floating point, such as 1E400;
// v25.4.0 and later take it.
//
// Without an answer the outcome is unknown, though no password was set: the
// request may still take effect, and a PUT that overtakes it in Kratos could be
// undone by it.
func (k call) verify(ctx context.Context, i bridge.Identity, at time.Time) error {
	if i.EmailIndex < 0 {
		return k.refuse("the email address is not among the verifiable addresses") // -1 would be the last
	}
	written, err := k.patch(ctx, i, verification(i.EmailIndex, i.Email, at))
	if err == nil && !written.EmailVerified {
		return bridge.ErrIdentityRace // the address had moved: that index changed nothing
	}
	return err
}

// mark notes an invitation in the admin metadata.
func (k call) mark(ctx context.Context, i bridge.Identity, mark bridge.Mark) error {
	if _, err := putMark(i.MetadataAdmin, mark); err != nil {
		return k.refuse("%v", err)
	}
	p := *ory.NewJsonPatch("add", "/metadata_admin/"+markKey)
	p.Value = printMark(mark)
	written, err := k.patch(ctx, i, []ory.JsonPatch{p})
	if err == nil && !carries(written, mark) {
		return k.fail(bridge.OutcomeUnknown, http.StatusOK, textOddBody, nil)
	}
	return err
}

func (k call) patch(ctx context.Context, i bridge.Identity, patch []ory.JsonPatch) (bridge.Identity, error) {
	return k.change(ctx, i, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.PatchIdentity(ctx, i.ID.String()).JsonPatch(patch).Execute()
		return res, err
	})
}

// verification is what makes the address at an index a verified one.
//
// It names the address too, for Kratos numbers its addresses anew when one
// changes, and knows no "test": what is at the index by then becomes the address
// that was meant, which Kratos drops if the traits no longer have it. Otherwise
// another address could become a verified one. An index beyond the last changes
// nothing, and is no error to Kratos.
func verification(index int, email string, at time.Time) []ory.JsonPatch {
	replace := func(name string, value any) ory.JsonPatch {
		p := *ory.NewJsonPatch("replace", fmt.Sprintf("/verifiable_addresses/%d/%s", index, name))
		p.Value = value
		return p
	}
	return []ory.JsonPatch{
		replace("value", email),
		replace("verified", true),
		replace("status", "completed"),
		replace("verified_at", at.UTC().Format(markTime)),
	}
}
