package bridge

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Sender delivers messages to endpoints of one kind. It is safe for concurrent
// use, and must return soon after ctx has ended.
type Sender interface {
	Send(ctx context.Context, d Dispatch) Result
}

// Dispatch is one attempt to deliver one message.
type Dispatch struct {
	MessageID uuid.UUID // the same in each attempt; webhook-id on the wire
	Endpoint  string    // the hook's id, or EndpointCourier
	Attempt   int       // from 1
	At        time.Time // of the attempt, UTC
	Payload   Payload   // with a fresh token, where the event carries one
}

// EndpointCourier is the endpoint of e-mail to the invitee. No hook may have
// this id.
const EndpointCourier = "courier"

// SendOutcome is what came of an attempt.
type SendOutcome string

// The outcomes. An attempt whose process died has none.
const (
	Sent     SendOutcome = "sent"     // the receiver has it
	Retry    SendOutcome = "retry"    // it may work later
	Failed   SendOutcome = "failed"   // it will never work
	Disabled SendOutcome = "disabled" // as Failed, and the endpoint wants no more of any kind
)

// Result says what came of an attempt. Detail is for operators, and holds no
// secret: no token, no address with credentials, no answer's body.
type Result struct {
	Outcome    SendOutcome
	RetryAfter time.Duration // for Retry: not before; zero: as the schedule says
	Status     int           // HTTP status or SMTP reply code; 0: none came
	Detail     string
}

// Hooks are asked before a thing is done. Ask returns nil if nobody objects;
// ErrHookRefused with the receiver's messages; or ErrHookUnavailable if there
// was no answer that can be understood. It takes at most ten seconds in all.
type Hooks interface {
	Ask(ctx context.Context, p Payload) error
}
