package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

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

	maxReason = 600 // bytes
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

// safe makes a foreign text fit for a log: one line of bounded length that
// repeats no secret. Cutting a secret out would show where it was, and how
// long; so the text goes as a whole.
func (k call) safe(text string) string {
	for _, secret := range k.secrets {
		if secret == "" {
			continue
		}
		inJSON, _ := json.Marshal(secret) // cannot fail for a string
		inGo := strconv.Quote(secret)
		spellings := []string{secret, string(inJSON[1 : len(inJSON)-1]), inGo[1 : len(inGo)-1], url.QueryEscape(secret)}
		if slices.ContainsFunc(spellings, func(s string) bool { return strings.Contains(text, s) }) {
			return textWithheld
		}
	}
	return oneLine(text)
}

func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

// schemaError is one line of what Kratos' JSON Schema validator says: where in
// the instance, where in the schema, and what.
var schemaError = regexp.MustCompile(`^\s*I\[#/?([^\]]*)\] S\[[^\]]*\] (.*)$`)

// mendable makes the reason of a 400 readable: "traits.email: …; traits: …".
// What is not a validator's report is given as it is.
func mendable(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		m := schemaError.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			return oneLine(text)
		}
		if m[2] == "validation failed" {
			continue // the lines below it say why
		}
		part := m[2]
		if m[1] != "" {
			part = strings.ReplaceAll(m[1], "/", ".") + ": " + part
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return oneLine(text)
	}
	return oneLine(strings.Join(parts, "; "))
}
