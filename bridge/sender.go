package bridge

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Sender delivers messages to endpoints of one kind. It is safe for concurrent
// use.
type Sender interface {
	// Send makes one attempt. It must return soon after ctx ends.
	Send(ctx context.Context, d Dispatch) SendResult
}

// Dispatch is one attempt to deliver one message.
type Dispatch struct {
	MessageID uuid.UUID // the same in each attempt; webhook-id on the wire
	Endpoint  string    // the hook's id, or EndpointCourier
	Attempt   int       // from 1
	At        time.Time // start of the attempt, UTC
	Payload   Payload   // with a fresh token, where the event carries one
}

// EndpointCourier is the endpoint for email to the invitee. No hook may use this
// id.
const EndpointCourier = "courier"

// AttemptOutcome is the outcome of an attempt.
type AttemptOutcome string

// The outcomes. An attempt whose process crashed has none.
const (
	AttemptSent     AttemptOutcome = "sent"     // the receiver accepted it
	AttemptRetry    AttemptOutcome = "retry"    // it may succeed later
	AttemptFailed   AttemptOutcome = "failed"   // it can never succeed
	AttemptDisabled AttemptOutcome = "disabled" // as AttemptFailed; the receiver also disabled its endpoint
)

// SendResult is the result of an attempt. Detail is for operators and contains no
// secrets: no token, no URL with credentials, no response body.
type SendResult struct {
	Outcome    AttemptOutcome
	RetryAfter time.Duration // minimum wait for AttemptRetry; zero: as scheduled
	Status     int           // HTTP status or SMTP reply code; 0: no response
	Detail     string
}
