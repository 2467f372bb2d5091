// Package instrument wraps the domain's ports, so that metrics, traces and test
// failpoints observe every call without the domain knowing. It contains no rules.
// It imports the domain and nothing else; only cmd/invitebridge imports it.
package instrument

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Observer is called before an instrumented call. It returns the context for the
// call and a function that receives the outcome. Calls and outcomes come from a
// small fixed set; endpoint ids come from the configuration. Observers nest.
type Observer func(ctx context.Context, call string) (_ context.Context, end func(outcome string))

// outcomePanic is the outcome of a call that panicked.
const outcomePanic = "panic"

// Identities observes each call of next under the method's name: create, create_all,
// get, find_by_email, find_by_traits, has_sessions, recovery, sign_in or ping; or under
// the name of the [bridge.Write]. The outcomes are ok; not_found, exists and race for
// the sentinels; invalid, refused, not_done and unknown for each
// [bridge.CallOutcome]; and error for any other error. The outcome of create_all is the
// worst of its results.
func Identities(next bridge.Identities, observer Observer) bridge.Identities {
	return identities{next, observer}
}

type identities struct {
	next     bridge.Identities
	observer Observer
}

func (w identities) Create(ctx context.Context, n bridge.IdentityParams) (i bridge.Identity, err error) {
	err = observe(ctx, w.observer, "create", identityOutcome, func(ctx context.Context) error {
		i, err = w.next.Create(ctx, n)
		return err
	})
	return i, err
}

func (w identities) CreateAll(ctx context.Context, n []bridge.IdentityParams) (results []bridge.CreateResult) {
	ctx, end := w.observer(ctx, "create_all")
	outcome := outcomePanic
	defer func() { end(outcome) }()
	results = w.next.CreateAll(ctx, n)
	outcome = worst(results)
	return results
}

func (w identities) Get(ctx context.Context, id uuid.UUID) (i bridge.Identity, err error) {
	err = observe(ctx, w.observer, "get", identityOutcome, func(ctx context.Context) error {
		i, err = w.next.Get(ctx, id)
		return err
	})
	return i, err
}

func (w identities) InactiveOf(ctx context.Context, ids ...uuid.UUID) (inactive []uuid.UUID, err error) {
	err = observe(ctx, w.observer, "inactive_of", identityOutcome, func(ctx context.Context) (err error) {
		inactive, err = w.next.InactiveOf(ctx, ids...)
		return err
	})
	return inactive, err
}

func (w identities) FindByEmail(ctx context.Context, email string) (i bridge.Identity, err error) {
	err = observe(ctx, w.observer, "find_by_email", identityOutcome, func(ctx context.Context) error {
		i, err = w.next.FindByEmail(ctx, email)
		return err
	})
	return i, err
}

func (w identities) FindByTraits(ctx context.Context, email, schemaID string, traits json.RawMessage) (i bridge.Identity, taken []string, err error) {
	err = observe(ctx, w.observer, "find_by_traits", identityOutcome, func(ctx context.Context) error {
		i, taken, err = w.next.FindByTraits(ctx, email, schemaID, traits)
		return err
	})
	return i, taken, err
}

func (w identities) HasSessions(ctx context.Context, id uuid.UUID) (has bool, err error) {
	err = observe(ctx, w.observer, "has_sessions", identityOutcome, func(ctx context.Context) error {
		has, err = w.next.HasSessions(ctx, id)
		return err
	})
	return has, err
}

func (w identities) Write(ctx context.Context, i bridge.Identity, write bridge.Write) (after bridge.Identity, err error) {
	err = observe(ctx, w.observer, write.Name(), identityOutcome, func(ctx context.Context) error {
		after, err = w.next.Write(ctx, i, write)
		return err
	})
	return after, err
}

// EmailTrait and PasswordTraits rarely leave the process and are not observed.
func (w identities) EmailTrait(ctx context.Context, schemaID string) (string, error) {
	return w.next.EmailTrait(ctx, schemaID)
}

func (w identities) PasswordTraits(ctx context.Context, schemaID string) ([]string, error) {
	return w.next.PasswordTraits(ctx, schemaID)
}

func (w identities) StartRecovery(ctx context.Context, p bridge.RecoveryParams) (flow bridge.RecoveryFlow, err error) {
	err = observe(ctx, w.observer, "recovery", identityOutcome, func(ctx context.Context) error {
		flow, err = w.next.StartRecovery(ctx, p)
		return err
	})
	return flow, err
}

func (w identities) SignIn(ctx context.Context, identifiers []string, password string, d bridge.Device) (session bridge.Session, err error) {
	err = observe(ctx, w.observer, "sign_in", identityOutcome, func(ctx context.Context) error {
		session, err = w.next.SignIn(ctx, identifiers, password, d)
		return err
	})
	return session, err
}

func (w identities) Ping(ctx context.Context) error {
	return observe(ctx, w.observer, "ping", identityOutcome, w.next.Ping)
}

func identityOutcome(err error) string {
	var e *bridge.IdentityError
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, bridge.ErrIdentityNotFound):
		return "not_found"
	case errors.Is(err, bridge.ErrIdentityExists):
		return "exists"
	case errors.Is(err, bridge.ErrIdentityRace):
		return "race"
	case !errors.As(err, &e):
		return "error"
	}
	switch e.Outcome {
	case bridge.OutcomeInvalid:
		return "invalid"
	case bridge.OutcomeRejected:
		return "refused"
	case bridge.OutcomeNotApplied:
		return "not_done"
	case bridge.OutcomeUnknown:
	}
	return "unknown"
}

// byGravity lists the outcomes of an identity that was to be created. The first ones
// are failures of the call, the others concern the identity alone.
var byGravity = []string{"unknown", "error", "not_done", "refused", "race", "not_found", "invalid", "exists", "ok"}

// worst returns the worst outcome of several; ok if there are none.
func worst(results []bridge.CreateResult) string {
	at := len(byGravity) - 1
	for _, r := range results {
		at = min(at, slices.Index(byGravity, identityOutcome(r.Err)))
	}
	return byGravity[at]
}

// Hooks observes each call of next under the event's name. The outcomes are ok,
// refused, unavailable, and error for any other error.
func Hooks(next bridge.Hooks, observer Observer) bridge.Hooks { return hooks{next, observer} }

type hooks struct {
	next     bridge.Hooks
	observer Observer
}

func (w hooks) Call(ctx context.Context, p bridge.Payload) error {
	return observe(ctx, w.observer, string(p.Type), hookOutcome, func(ctx context.Context) error { return w.next.Call(ctx, p) })
}

func (w hooks) Ask(ctx context.Context, hook string, p bridge.Payload) error {
	return observe(ctx, w.observer, string(p.Type), hookOutcome, func(ctx context.Context) error { return w.next.Ask(ctx, hook, p) })
}

func hookOutcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, bridge.ErrHookRefused):
		return "refused"
	case errors.Is(err, bridge.ErrHookUnavailable):
		return "unavailable"
	}
	return "error"
}

// Sender observes each attempt of next under the endpoint's id. The outcomes are
// those of [bridge.AttemptOutcome].
func Sender(next bridge.Sender, observer Observer) bridge.Sender { return sender{next, observer} }

type sender struct {
	next     bridge.Sender
	observer Observer
}

func (w sender) Send(ctx context.Context, d bridge.Dispatch) (r bridge.SendResult) {
	ctx, end := w.observer(ctx, d.Endpoint)
	outcome := outcomePanic
	defer func() { end(outcome) }()
	r = w.next.Send(ctx, d)
	outcome = string(r.Outcome)
	return r
}

func observe(ctx context.Context, observer Observer, name string, outcomeOf func(error) string, call func(context.Context) error) error {
	ctx, end := observer(ctx, name)
	outcome := outcomePanic
	defer func() { end(outcome) }()
	err := call(ctx)
	outcome = outcomeOf(err)
	return err
}
