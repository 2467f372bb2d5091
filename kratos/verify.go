package kratos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	ory "github.com/ory/client-go"

	"invitebridge/bridge"
)

// unverified says whether the address is to be marked, and is not yet. An
// active identity is left alone, and one whose schema verifies no e-mail has
// nothing to mark.
func (r record) unverified(a bridge.Activation) bool {
	return a.VerifyEmail && !r.Active && r.verifiable >= 0 && !r.verified
}

// verify marks the e-mail address as verified. lost says that somebody else was
// faster, and that nothing was changed. Kratos v1.3.1 refuses any PATCH of an
// identity that holds a number too large for floating point, such as 1E400;
// v25.4.0 and later take it.
func (k call) verify(ctx context.Context, r record, at time.Time) (lost bool, err error) {
	patch := verification(r.verifiable, r.Email, at)
	got, err := k.write(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.PatchIdentity(ctx, r.ID.String()).JsonPatch(patch).Execute()
		return res, err
	})
	if err == nil {
		written, odd := k.client.parseRecord(got.body)
		if odd == nil && written.ID == r.ID {
			return false, nil
		}
		err = k.fail(bridge.OutcomeUnknown, got.status, textOddBody, odd)
	}
	err = k.judge(err, map[int]error{
		http.StatusNotFound: bridge.ErrIdentityNotFound,
		http.StatusConflict: errLostRace,
	})
	var e *bridge.IdentityError
	if errors.As(err, &e) {
		e.Reason = "marking the e-mail address as verified: " + e.Reason
	}
	// Without an answer it is unknown, though no password was set: the request may
	// land still, and a PUT that overtakes it in Kratos could be undone by it.
	return errors.Is(err, errLostRace), err
}

// verification is what makes the address at a place a verified one.
//
// It names the address too, for Kratos numbers its addresses anew when one
// changes, and knows no "test": what is at the place by then becomes the
// address that was meant, which Kratos drops if the traits have it no more.
// Without, another address could become a verified one. A place that is none
// any more changes nothing, and is no error to Kratos.
func verification(place int, email string, at time.Time) []ory.JsonPatch {
	replace := func(name string, value any) ory.JsonPatch {
		p := *ory.NewJsonPatch("replace", fmt.Sprintf("/verifiable_addresses/%d/%s", place, name))
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
