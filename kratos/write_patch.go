package kratos

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	ory "github.com/ory/client-go"

	"invitebridge/bridge"
)

// verify marks the email address as verified. Kratos v1.3.1 rejects any PATCH
// of an identity that contains a number too large for floating point, such as
// 1E400; v25.4.0 and later accept it.
//
// Without a response the outcome is unknown even though no password was set:
// the request may still take effect, and could undo a PUT that overtakes it in
// Kratos.
func (k call) verify(ctx context.Context, i bridge.Identity, at time.Time) (after bridge.Identity, err error) {
	if i.EmailIndex < 0 {
		return after, k.rejected("the email address is not among the verifiable addresses") // Kratos would take -1 for the last one
	}
	after, err = k.patch(ctx, i, verification(i.EmailIndex, i.Email, at))
	if err == nil && !after.EmailVerified {
		return bridge.Identity{}, bridge.ErrIdentityRace // the address had moved, so the index changed nothing
	}
	return after, err
}

// mark records an invitation in the admin metadata.
func (k call) mark(ctx context.Context, i bridge.Identity, mark bridge.Mark) (after bridge.Identity, err error) {
	if _, err := addMark(i.MetadataAdmin, mark); err != nil {
		return after, k.rejected("%v", err)
	}
	after, err = k.patch(ctx, i, []ory.JsonPatch{operation("add", "/metadata_admin/"+markKey, printMark(mark))})
	if err == nil && !hasMark(after, mark) {
		return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, http.StatusOK, textMalformedBody, nil)
	}
	return after, err
}

// activate sets the active state and the mark and, if asked to, marks the email
// address as verified. If the response shows less than that, something took effect,
// and a read has to show what.
func (k call) activate(ctx context.Context, i bridge.Identity, w bridge.WriteActiveOnly) (after bridge.Identity, err error) {
	if _, err := addMark(i.MetadataAdmin, w.Mark); err != nil {
		return after, k.rejected("%v", err)
	}
	verify := !w.VerifiedAt.IsZero()
	if verify && i.EmailIndex < 0 {
		return after, k.rejected("the email address is not among the verifiable addresses")
	}
	patch := []ory.JsonPatch{operation("replace", "/state", stateActive), operation("add", "/metadata_admin/"+markKey, printMark(w.Mark))}
	if verify {
		patch = append(patch, verification(i.EmailIndex, i.Email, w.VerifiedAt)...)
	}
	after, err = k.patch(ctx, i, patch)
	if err == nil && (!after.Active || !hasMark(after, w.Mark) || verify && !after.EmailVerified) {
		return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, http.StatusOK, textMalformedBody, nil)
	}
	return after, err
}

func operation(op, path string, value any) ory.JsonPatch {
	p := *ory.NewJsonPatch(op, path)
	p.Value = value
	return p
}

// patch returns the identity as the response shows it, with what the response
// lacks taken from i: the order of the addresses in a read, and the credentials
// of which only a config shows whether they allow signing in. No patch of the
// bridge changes these.
func (k call) patch(ctx context.Context, i bridge.Identity, patch []ory.JsonPatch) (bridge.Identity, error) {
	after, err := k.replaceOrPatch(ctx, i, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.PatchIdentity(ctx, i.ID.String()).JsonPatch(patch).Execute()
		return res, err
	})
	if err != nil {
		return after, err
	}
	after.EmailIndex = i.EmailIndex
	for _, credential := range i.Credentials {
		if slices.Contains(declassified, credential.Type) {
			after.Credentials = append(after.Credentials, credential)
		}
	}
	sortByType(after.Credentials)
	return after, nil
}

// verification returns the patch that marks the address at an index as
// verified.
//
// It also sets the value, because Kratos renumbers its addresses when one
// changes, and does not support the "test" operation. Whatever address is at
// the index by then becomes the intended one, which Kratos drops if the traits
// no longer contain it. Otherwise another address could be marked as verified.
// An index past the end changes nothing and is not an error to Kratos.
func verification(index int, email string, at time.Time) []ory.JsonPatch {
	replace := func(name string, value any) ory.JsonPatch {
		return operation("replace", fmt.Sprintf("/verifiable_addresses/%d/%s", index, name), value)
	}
	return []ory.JsonPatch{
		replace("value", email),
		replace("verified", true),
		replace("status", "completed"),
		replace("verified_at", at.UTC().Format(markTime)),
	}
}
