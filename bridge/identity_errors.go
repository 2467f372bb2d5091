package bridge

import (
	"errors"
	"strings"
)

// Sentinels of [Identities].
var (
	ErrIdentityNotFound = errors.New("identity not found")
	ErrIdentityExists   = errors.New("identity exists")
	// ErrIdentityFieldUnknown means that this release of the identity system has no
	// external ids, or does not take an organization when an identity is created.
	ErrIdentityFieldUnknown = errors.New("the identity system does not know external_id or organization_id")
	// ErrIdentityRace means that another client wrote the identity at the same
	// time, and that this write changed nothing.
	ErrIdentityRace = errors.New("the identity was written by another client at the same time")
)

// CallOutcome is what is known after a failed call.
type CallOutcome int

const (
	// OutcomeUnknown means that the call may or may not have taken effect: the
	// connection was cut, a timeout, a 5xx.
	OutcomeUnknown CallOutcome = iota
	// OutcomeRejected means that the identity system refused. Nothing was changed,
	// and an identical call will fail again.
	OutcomeRejected
	// OutcomeInvalid means that it refused for a reason that the caller can fix.
	OutcomeInvalid
	// OutcomeNotApplied means that the call had no effect and may succeed later:
	// no connection was established, or the identity system was too busy.
	OutcomeNotApplied
)

// IdentityError describes a failed call. Reason is the identity system's own
// text; it is shown to callers only if the outcome is OutcomeInvalid.
type IdentityError struct {
	Outcome CallOutcome
	Op      string // the method, such as "create"
	Status  int    // of the HTTP response; 0: there was none
	Reason  string
	Cause   error
}

// Error returns a text for logs.
func (e *IdentityError) Error() string {
	text := "identity " + e.Op + ": " + e.Reason
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *IdentityError) Unwrap() error { return e.Cause }

// sentence returns a reason of the identity system with a full stop at its end, as all
// reasons have.
func sentence(reason string) string {
	if strings.HasSuffix(reason, ".") || strings.HasSuffix(reason, "…") {
		return reason
	}
	return reason + "."
}

// identityError translates an error of Identities into one for callers. The verbs
// themselves handle sentinels whose meaning depends on the verb.
func identityError(err error) error {
	if errors.Is(err, ErrIdentityFieldUnknown) {
		return ErrFieldNotSupported.WithCause(err)
	}
	var e *IdentityError
	if !errors.As(err, &e) {
		return ErrInternal.WithCause(err)
	}
	switch e.Outcome {
	case OutcomeInvalid:
		return ErrTraitsInvalid.WithReasonf("%s", sentence(e.Reason)).WithCause(err)
	case OutcomeRejected:
		return ErrKratosRejected.WithCause(err)
	default:
		return ErrKratosUnavailable.WithCause(err)
	}
}
