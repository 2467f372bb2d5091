package kratos

import (
	"context"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	ory "github.com/ory/client-go"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

const (
	// activateRounds bounds how often a lost race is run again. Kratos since
	// v25.4 answers 409 to most of those who write one identity at once.
	activateRounds = 5
	activatePause  = 40 * time.Millisecond // the longest before the first repetition; doubles
)

// Activate compares and activates: it reads the identity, judges, and writes
// password, state and mark in one PUT that sends back everything else. Before
// that, if asked to, it marks the e-mail address as verified, in a PATCH of its
// own, and reads and judges again. See [bridge.Identities].
//
// Kratos has no conditional write, and each of its writes puts back the whole
// identity. Whoever changes the identity between the read and a write, some
// milliseconds, is overwritten, unless Kratos notices and answers 409: then
// everything begins anew.
//
// A password that is empty, of more than 72 bytes or not UTF-8 is
// bridge.OutcomeInvalid and is not sent. An identity whose admin metadata has
// no room for the mark is bridge.OutcomeRefused, before any write. A PATCH
// without an answer is bridge.OutcomeUnknown, though the password was not set:
// nobody is to write again before it has landed.
func (c *Client) Activate(ctx context.Context, id uuid.UUID, a bridge.Activation) error {
	k, ctx, cancel := c.begin(ctx, "activate", a.Password)
	defer cancel()
	if err := k.check(a); err != nil {
		return err
	}
	for round := range activateRounds {
		if round > 0 && !pause(ctx, activatePause<<(round-1)) {
			break
		}
		lost, err := k.activate(ctx, id, a)
		if !lost {
			return err
		}
	}
	return k.fail(bridge.OutcomeNotDone, http.StatusConflict, "somebody else kept changing the identity", ctx.Err())
}

// activate is one round. lost says that somebody else was faster, and that no
// password was set.
func (k call) activate(ctx context.Context, id uuid.UUID, a bridge.Activation) (lost bool, err error) {
	r, body, err := k.candidate(ctx, id, a)
	if err != nil {
		return false, err
	}
	if r.unverified(a) {
		if lost, err := k.verify(ctx, r, a.AcceptedAt); lost || err != nil {
			return lost, err
		}
		if r, body, err = k.candidate(ctx, id, a); err != nil {
			return false, err
		}
		if r.unverified(a) {
			return true, nil // the address had moved
		}
	}
	return k.put(ctx, id, a, body)
}

var errOtherAddress = fmt.Errorf("%w: it has another e-mail address by now", bridge.ErrIdentityNotFound)

// candidate reads the identity, judges whether it may be activated, and gives
// what to write then.
func (k call) candidate(ctx context.Context, id uuid.UUID, a bridge.Activation) (record, ory.UpdateIdentityBody, error) {
	var none ory.UpdateIdentityBody
	r, err := k.get(ctx, id)
	if err != nil {
		return record{}, none, k.untouched(err)
	}
	ours := r.Mark.InvitationID == a.InvitationID && !r.Mark.AcceptedAt.IsZero()
	other := a.Email != "" && !r.AnswersTo(a.Email)
	switch {
	case ours && (!r.Active || !a.Repeat || other):
		return record{}, none, bridge.ErrIdentityAccepted
	case other:
		return record{}, none, errOtherAddress
	case r.Active && !ours:
		return record{}, none, bridge.ErrIdentityIsActive
	}
	body, err := k.activation(r, a)
	return r, body, err
}

func (k call) check(a bridge.Activation) error {
	switch {
	case a.InvitationID == uuid.Nil || a.AcceptedAt.IsZero():
		return k.refuse("an activation must name its invitation and its time")
	case a.Password == "":
		return k.invalid("the password is empty")
	case len(a.Password) > bridge.MaxPasswordLength:
		return k.invalid("the password has more than %d bytes", bridge.MaxPasswordLength) // Kratos answers 500
	case !utf8.ValidString(a.Password):
		return k.invalid("the password is not valid UTF-8") // JSON would change it
	}
	return nil
}
