package bridge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
)

// Watch is told when a call begins, and by which name. It gives the context for
// the call, and a function that is to be told the outcome when the call ends.
// Names and outcomes are few and fixed, save that endpoints are named by the
// operator. Watches can be put around one another, and know nothing of it.
type Watch func(ctx context.Context, call string) (_ context.Context, end func(outcome string))

// outcomePanic is what a call that panicked has come to.
const outcomePanic = "panic"

// WatchIdentities watches each call of next under the method's name: create,
// get, find_by_email, find_by_traits, has_sessions or ping; or under that of the [Write]. The
// outcomes are ok; not_found, exists and race, as the sentinels; invalid,
// refused, not_done and unknown, as an [Outcome]; and error for what is none of
// them.
func WatchIdentities(next Identities, watch Watch) Identities { return identityWatch{next, watch} }

type identityWatch struct {
	next  Identities
	watch Watch
}

func (w identityWatch) Create(ctx context.Context, n NewIdentity) (i Identity, err error) {
	err = watched(ctx, w.watch, "create", identityOutcome, func(ctx context.Context) error {
		i, err = w.next.Create(ctx, n)
		return err
	})
	return i, err
}

func (w identityWatch) Get(ctx context.Context, id uuid.UUID) (i Identity, err error) {
	err = watched(ctx, w.watch, "get", identityOutcome, func(ctx context.Context) error {
		i, err = w.next.Get(ctx, id)
		return err
	})
	return i, err
}

func (w identityWatch) FindByEmail(ctx context.Context, email string) (i Identity, err error) {
	err = watched(ctx, w.watch, "find_by_email", identityOutcome, func(ctx context.Context) error {
		i, err = w.next.FindByEmail(ctx, email)
		return err
	})
	return i, err
}

func (w identityWatch) FindByTraits(ctx context.Context, email, schemaID string, traits json.RawMessage) (i Identity, taken []string, err error) {
	err = watched(ctx, w.watch, "find_by_traits", identityOutcome, func(ctx context.Context) error {
		i, taken, err = w.next.FindByTraits(ctx, email, schemaID, traits)
		return err
	})
	return i, taken, err
}

func (w identityWatch) HasSessions(ctx context.Context, id uuid.UUID) (has bool, err error) {
	err = watched(ctx, w.watch, "has_sessions", identityOutcome, func(ctx context.Context) error {
		has, err = w.next.HasSessions(ctx, id)
		return err
	})
	return has, err
}

func (w identityWatch) Write(ctx context.Context, i Identity, write Write) error {
	return watched(ctx, w.watch, write.Name(), identityOutcome, func(ctx context.Context) error { return w.next.Write(ctx, i, write) })
}

// EmailTrait and PasswordTraits hardly ever call anybody, and are not watched.
func (w identityWatch) EmailTrait(ctx context.Context, schemaID string) (string, error) {
	return w.next.EmailTrait(ctx, schemaID)
}

func (w identityWatch) PasswordTraits(ctx context.Context, schemaID string) ([]string, error) {
	return w.next.PasswordTraits(ctx, schemaID)
}

func (w identityWatch) Ping(ctx context.Context) error {
	return watched(ctx, w.watch, "ping", identityOutcome, w.next.Ping)
}

func identityOutcome(err error) string {
	var e *IdentityError
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ErrIdentityNotFound):
		return "not_found"
	case errors.Is(err, ErrIdentityExists):
		return "exists"
	case errors.Is(err, ErrIdentityRace):
		return "race"
	case !errors.As(err, &e):
		return "error"
	}
	switch e.Outcome {
	case OutcomeInvalid:
		return "invalid"
	case OutcomeRefused:
		return "refused"
	case OutcomeNotDone:
		return "not_done"
	case OutcomeUnknown:
	}
	return "unknown"
}

// WatchHooks watches each question of next under the event's name. The outcomes
// are ok, refused, unavailable, and error for what is none of them.
func WatchHooks(next Hooks, watch Watch) Hooks { return hookWatch{next, watch} }

type hookWatch struct {
	next  Hooks
	watch Watch
}

func (w hookWatch) Ask(ctx context.Context, p Payload) error {
	return watched(ctx, w.watch, string(p.Type), hookOutcome, func(ctx context.Context) error { return w.next.Ask(ctx, p) })
}

func hookOutcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ErrHookRefused):
		return "refused"
	case errors.Is(err, ErrHookUnavailable):
		return "unavailable"
	}
	return "error"
}

// WatchSender watches each attempt of next under the endpoint's name. The
// outcomes are those of [SendOutcome].
func WatchSender(next Sender, watch Watch) Sender { return senderWatch{next, watch} }

type senderWatch struct {
	next  Sender
	watch Watch
}

func (w senderWatch) Send(ctx context.Context, d Dispatch) (r Result) {
	ctx, end := w.watch(ctx, d.Endpoint)
	outcome := outcomePanic
	defer func() { end(outcome) }()
	r = w.next.Send(ctx, d)
	outcome = string(r.Outcome)
	return r
}

func watched(ctx context.Context, watch Watch, name string, outcomeOf func(error) string, call func(context.Context) error) error {
	ctx, end := watch(ctx, name)
	outcome := outcomePanic
	defer func() { end(outcome) }()
	err := call(ctx)
	outcome = outcomeOf(err)
	return err
}
