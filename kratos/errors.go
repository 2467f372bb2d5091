package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"invitebridge/bridge"
)

const (
	textNotSent  = "Kratos could not be reached; nothing was sent"
	textNoAnswer = "Kratos gave no answer"
	textBrokeOff = "the answer of Kratos could not be read to its end"
	textOddBody  = "the answer of Kratos could not be understood"
	textWithheld = "(text withheld: it repeats a secret)"

	// messageNotFound is what Kratos says of a missing row, from v1.3.1 to now.
	messageNotFound = "Unable to locate the resource"
	// messageNoCredential is what Kratos says of a missing credential.
	messageNoCredential = "The requested resource could not be found"
)

// problem is the "error" of Kratos' answers.
type problem struct {
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

// parseProblem says whether an answer has the shape of Kratos' errors.
func parseProblem(r errRefused) (problem, bool) {
	var body struct {
		Error *problem `json:"error"`
	}
	if json.Unmarshal(r.body, &body) != nil || body.Error == nil || body.Error.Code != r.status {
		return problem{}, false
	}
	return *body.Error, true
}

// says404 says whether an answer is Kratos' 404 with one of these messages. A
// gateway's or a wrong server's must not pass for Kratos' word that something
// does not exist.
func says404(err error, messages ...string) bool {
	var r errRefused
	if !errors.As(err, &r) || r.status != http.StatusNotFound {
		return false
	}
	p, fromKratos := parseProblem(r)
	return fromKratos && slices.Contains(messages, p.Message)
}

// answered tells an answer in one line. Of a body that is not Kratos' nothing
// is repeated: nobody knows what is in it.
func (k call) answered(r errRefused, p problem) string {
	text := fmt.Sprintf("the %s answered %d", k.client.name, r.status)
	if name := http.StatusText(r.status); name != "" {
		text += " " + name
	}
	if said := k.safe(p.text()); said != "" {
		return text + ": " + said
	}
	return text
}

// fail makes the error of a call. The cause is reduced to a text that is known
// to hold no secret; a context's end stays recognisable.
func (k call) fail(outcome bridge.Outcome, status int, reason string, cause error) error {
	e := &bridge.IdentityError{Outcome: outcome, Op: k.op, Status: status, Reason: reason}
	var u *url.Error
	for errors.As(cause, &u) {
		cause = u.Err // without the address, which has e-mail addresses in it
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

// invalid is a refusal before anything was sent.
func (k call) invalid(format string, args ...any) error {
	return k.fail(bridge.OutcomeInvalid, 0, fmt.Sprintf(format, args...), nil)
}

// refuse is a refusal, before anything was sent, that a caller cannot mend.
func (k call) refuse(format string, args ...any) error {
	return k.fail(bridge.OutcomeRefused, 0, fmt.Sprintf(format, args...), nil)
}
