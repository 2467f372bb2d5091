package kratos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"invitebridge/bridge"
)

const (
	textNotSent       = "Kratos could not be reached; nothing was sent"
	textNoResponse    = "Kratos did not respond"
	textTruncated     = "the response from Kratos could not be read completely"
	textMalformedBody = "the response from Kratos could not be understood"
	textWithheld      = "(text withheld: it contains a secret)"

	// messageNotFound is Kratos' message for a missing row, in all supported
	// versions.
	messageNotFound = "Unable to locate the resource"
	// messageNoCredential is Kratos' message for a missing credential.
	messageNoCredential = "The requested resource could not be found"
)

// problem is the "error" member of Kratos' responses.
type problem struct {
	ID      string `json:"id"`
	Code    int    `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func (p problem) text() string {
	if p.Reason != "" {
		return p.Reason
	}
	return p.Message
}

// parseProblem reports whether a response has the shape of Kratos' errors. To a
// batch that it cannot decode Kratos answers 400 with the code 500.
func parseProblem(r statusError) (problem, bool) {
	var body struct {
		Error *problem `json:"error"`
	}
	if parse(r.body, &body) != nil || body.Error == nil {
		return problem{}, false
	}
	if code := body.Error.Code; code != r.status && (r.status != http.StatusBadRequest || code != http.StatusInternalServerError) {
		return problem{}, false
	}
	return *body.Error, true
}

// isNotFound reports whether err is Kratos' own 404 with one of these messages.
// A 404 of a gateway or of another server must not count as a missing resource
// in Kratos.
func isNotFound(err error, messages ...string) bool {
	var r statusError
	if !errors.As(err, &r) || r.status != http.StatusNotFound {
		return false
	}
	p, fromKratos := parseProblem(r)
	return fromKratos && slices.Contains(messages, p.Message)
}

// describe returns a response in one line. It repeats nothing of a body that
// did not come from Kratos, because the content is unknown.
func (k call) describe(r statusError, p problem) string {
	text := fmt.Sprintf("the %s returned %d", k.client.name, r.status)
	if name := http.StatusText(r.status); name != "" {
		text += " " + name
	}
	if said := k.safe(p.text()); said != "" {
		return text + ": " + said
	}
	return text
}

// fail returns the error of a call. The cause is reduced to a text that
// contains no secret; the end of a context remains recognizable.
func (k call) fail(outcome bridge.CallOutcome, status int, reason string, cause error) error {
	e := &bridge.IdentityError{Outcome: outcome, Op: k.op, Status: status, Reason: reason}
	var u *url.Error
	for errors.As(cause, &u) {
		cause = u.Err // drop the URL, which contains email addresses
	}
	switch {
	case cause == nil:
	case errors.Is(cause, context.DeadlineExceeded):
		e.Cause = context.DeadlineExceeded
	case errors.Is(cause, context.Canceled):
		e.Cause = context.Canceled
	default:
		e.Cause = errors.New(k.safe(cause.Error()))
	}
	return e
}

// invalid returns the error for input rejected before anything was sent.
func (k call) invalid(format string, args ...any) error {
	return k.fail(bridge.OutcomeInvalid, 0, fmt.Sprintf(format, args...), nil)
}

// rejected returns the error for a call rejected before anything was sent, for
// a reason that the caller cannot fix.
func (k call) rejected(format string, args ...any) error {
	return k.fail(bridge.OutcomeRejected, 0, fmt.Sprintf(format, args...), nil)
}
