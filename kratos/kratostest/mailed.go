package kratostest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
)

// Mailed is a one-time code and its flow, until the code is used.
type Mailed struct {
	Code string

	server *Server
	kind   string // of the flow
	flow   flow
	form   map[string]any // sent together with the code
}

// MailRecovery requests a recovery code, as for a forgotten password.
func (s *Server) MailRecovery(ctx context.Context, email string) (*Mailed, error) {
	return s.mail(ctx, &Mailed{kind: "recovery"}, email, "email")
}

// MailVerification requests a code that verifies an address.
func (s *Server) MailVerification(ctx context.Context, email string) (*Mailed, error) {
	return s.mail(ctx, &Mailed{kind: "verification"}, email, "email")
}

// MailLogin requests a code to sign in with.
func (s *Server) MailLogin(ctx context.Context, email string) (*Mailed, error) {
	return s.mail(ctx, &Mailed{kind: "login", form: map[string]any{"identifier": email}}, email, "identifier")
}

// mail makes Kratos send a code to an address, submitted as the form field
// name, and reads the email from the queue.
func (s *Server) mail(ctx context.Context, m *Mailed, email, name string) (*Mailed, error) {
	m.server = s
	before, err := s.codes(ctx, m.kind, email)
	if err != nil {
		return nil, err
	}
	if m.flow, err = s.app("").begin(ctx, m.kind, nil); err != nil {
		return nil, err
	}
	a, err := s.app("").send(ctx, m.flow, map[string]any{"method": "code", name: email})
	if err != nil {
		return nil, err
	}
	var sent flow
	if json.Unmarshal(a.body, &sent) != nil || sent.State != "sent_email" {
		return nil, a.asError()
	}
	after, err := s.codes(ctx, m.kind, email)
	if err != nil {
		return nil, err
	}
	if len(after) != len(before)+1 {
		return nil, fmt.Errorf("kratostest: no %s code was sent to %s", m.kind, email)
	}
	m.Code = after[0]
	return m, nil
}

var codeOfEmail = regexp.MustCompile(`(?m)^\s*(\d{6})\s*$`)

// codes returns the codes of a kind that were sent to an address, newest first.
func (s *Server) codes(ctx context.Context, kind, email string) ([]string, error) {
	path := "/admin/courier/messages?page_size=250&recipient=" + url.QueryEscape(email)
	text, err := s.call(ctx, http.StatusOK, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	var emails []struct {
		Template string `json:"template_type"`
		Body     string `json:"body"`
	}
	if err := json.Unmarshal(text, &emails); err != nil {
		return nil, err
	}
	var codes []string
	for _, e := range emails {
		if e.Template != kind+"_code_valid" {
			continue
		}
		code := codeOfEmail.FindStringSubmatch(e.Body)
		if code == nil {
			return nil, fmt.Errorf("kratostest: an email without a code: %s", e.Body)
		}
		codes = append(codes, code[1])
	}
	return codes, nil
}

// Use submits the code. It returns the session token that Kratos issues for it,
// or "" for a verification.
//
// Errors: ErrInactive; ErrWrongCode if the code is no longer valid; else a
// *StatusError.
func (m *Mailed) Use(ctx context.Context) (sessionToken string, err error) {
	form := map[string]any{"method": "code", "code": m.Code}
	maps.Copy(form, m.form)
	a, err := m.server.app("").send(ctx, m.flow, form)
	if err != nil {
		return "", err
	}
	var f flow
	if m.kind == "verification" && json.Unmarshal(a.body, &f) == nil && f.State == "passed_challenge" {
		return "", nil
	}
	return a.sessionToken()
}
