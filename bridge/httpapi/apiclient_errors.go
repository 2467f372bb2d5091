package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"invitebridge/bridge"
)

// Error is an answer that is no success. [errors.Is] finds it equal to the
// [bridge.Error] of the same id, such as bridge.ErrNotFound.
type Error struct {
	ID         string // stable; empty: the answer is none of a bridge's
	Reason     string // for people
	Status     int    // of HTTP
	RequestID  string // what the bridge's log knows the request by; may be empty
	Messages   []bridge.UIText
	Addresses  []string      // of an identity that exists, which keep_addresses would keep
	RetryAfter time.Duration // zero: no advice
}

// Error gives the id, the reason and the request id.
func (e *Error) Error() string {
	id := e.ID
	if id == "" {
		id = "unexpected answer " + strconv.Itoa(e.Status)
	}
	text := id + ": " + e.Reason
	if e.RequestID != "" {
		text += fmt.Sprintf(" (request id %s)", e.RequestID)
	}
	return text
}

// Is compares by id.
func (e *Error) Is(target error) bool {
	t, ok := target.(*bridge.Error)
	return ok && e.ID != "" && t.ID == e.ID
}

// newError reads Ory's envelope.
func newError(res *http.Response, text []byte) *Error {
	var envelope struct {
		Error struct {
			ID      string `json:"id"`
			Reason  string `json:"reason"`
			Request string `json:"request"`
			Details struct {
				Messages  []bridge.UIText `json:"messages"`
				Addresses []string        `json:"addresses"`
			} `json:"details"`
		} `json:"error"`
	}
	if len(text) > maxAnswerBytes || json.Unmarshal(text, &envelope) != nil || envelope.Error.ID == "" {
		return unexpected(res, "It does not come from an Invite Bridge.")
	}
	e := &Error{
		ID: envelope.Error.ID, Reason: envelope.Error.Reason, Status: res.StatusCode,
		RequestID: envelope.Error.Request, Messages: envelope.Error.Details.Messages, Addresses: envelope.Error.Details.Addresses,
	}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	return e
}

func unexpected(res *http.Response, reason string) *Error {
	return &Error{Reason: reason, Status: res.StatusCode, RequestID: res.Header.Get(requestIDHeader)}
}
