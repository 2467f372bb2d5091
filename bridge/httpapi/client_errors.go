package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"invitebridge/bridge"
)

// Error is a response that is not a success. [errors.Is] matches it with the
// [bridge.Error] of the same id, such as bridge.ErrNotFound.
type Error struct {
	ID         string // stable; empty if the response does not come from a bridge
	Reason     string // for people
	Status     int    // the HTTP status
	RequestID  string // identifies the request in the bridge's log; may be empty
	Messages   []bridge.UIText
	Addresses  []string      // of an existing identity, which keep_addresses would keep
	RetryAfter time.Duration // zero: not sent
}

// Error returns the id, the reason and the request id.
func (e *Error) Error() string {
	id := e.ID
	if id == "" {
		id = "unexpected response " + strconv.Itoa(e.Status)
	}
	text := id + ": " + e.Reason
	if e.RequestID != "" {
		text += fmt.Sprintf(" (request id %s)", e.RequestID)
	}
	return text
}

// Is reports whether target is the [bridge.Error] of the same id.
func (e *Error) Is(target error) bool {
	t, ok := target.(*bridge.Error)
	return ok && e.ID != "" && t.ID == e.ID
}

// newError parses the error envelope in text.
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
	if len(text) > maxResponseBytes || json.Unmarshal(text, &envelope) != nil || envelope.Error.ID == "" {
		return unexpectedResponse(res, "It does not come from an Invite Bridge.")
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

func unexpectedResponse(res *http.Response, reason string) *Error {
	return &Error{Reason: reason, Status: res.StatusCode, RequestID: res.Header.Get(requestIDHeader)}
}
