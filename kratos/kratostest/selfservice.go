package kratostest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// These are Kratos' message ids.
const (
	messageWrongPassword = 4000006 // wrong credentials
	messageDisabled      = 4010011 // in versions after v26.2.0
)

// messagesWrongCode are the ids for wrong TOTP codes, for wrong or used backup
// codes, for wrong emailed codes of login, recovery and verification, for
// invalid recovery links, and for a login flow whose code was used.
var messagesWrongCode = []int{4000008, 4000016, 4000012, 4010008, 4060006, 4070006, 4060004, 4010002}

// flow is the part of a self-service flow that this package reads.
type flow struct {
	ID           string `json:"id"`
	State        string `json:"state"`
	ExchangeCode string `json:"session_token_exchange_code"`
	UI           struct {
		Action   string    `json:"action"`
		Messages []message `json:"messages"`
		Nodes    []node    `json:"nodes"`
	} `json:"ui"`
}

type message struct {
	ID   int    `json:"id"`
	Type string `json:"type"`
}

type node struct {
	Attributes struct {
		ID    string `json:"id"`   // of a text
		Name  string `json:"name"` // of an input
		Value any    `json:"value"`
		Text  struct {
			Text string `json:"text"`
		} `json:"text"`
	} `json:"attributes"`
	Messages []message `json:"messages"`
}

// value returns the value of an input, or "".
func (f flow) value(name string) string {
	for _, n := range f.UI.Nodes {
		if n.Attributes.Name == name {
			text, _ := n.Attributes.Value.(string)
			return text
		}
	}
	return ""
}

// text returns the content of a text node, or "".
func (f flow) text(id string) string {
	for _, n := range f.UI.Nodes {
		if n.Attributes.ID == id {
			return n.Attributes.Text.Text
		}
	}
	return ""
}

// errorIDs returns the ids of all messages of type error, in their order.
func (f flow) errorIDs() []int {
	var ids []int
	add := func(messages []message) {
		for _, m := range messages {
			if m.Type == "error" {
				ids = append(ids, m.ID)
			}
		}
	}
	add(f.UI.Messages)
	for _, n := range f.UI.Nodes {
		add(n.Messages)
	}
	return ids
}

// refusal returns why a flow was rejected, if its messages say so.
func (f flow) refusal() error {
	ids := f.errorIDs()
	switch {
	case slices.Contains(ids, messageDisabled):
		return ErrInactive
	case slices.Contains(ids, messageWrongPassword):
		return ErrWrongPassword
	case slices.ContainsFunc(ids, func(id int) bool { return slices.Contains(messagesWrongCode, id) }):
		return ErrWrongCode
	}
	return nil
}

// Login signs in with the API flow, as an app does, and returns the session
// token.
//
// Errors: ErrWrongPassword; ErrInactive; else a *StatusError.
func (s *Server) Login(ctx context.Context, identifier, password string) (sessionToken string, err error) {
	a, err := s.app("").submit(ctx, "login", nil, map[string]any{
		"method": "password", "identifier": identifier, "password": password,
	})
	if err != nil {
		return "", err
	}
	return a.sessionToken()
}

// sessionToken extracts the token from the response of a successful login.
func (a answer) sessionToken() (string, error) {
	var in struct {
		Token        string `json:"session_token"`
		ContinueWith []struct {
			Action string `json:"action"`
			Token  string `json:"ory_session_token"`
		} `json:"continue_with"`
	}
	if a.status != http.StatusOK {
		return "", a.asError()
	}
	if err := json.Unmarshal(a.body, &in); err != nil {
		return "", err
	}
	for _, next := range in.ContinueWith {
		if in.Token == "" && next.Action == "set_ory_session_token" {
			in.Token = next.Token
		}
	}
	if in.Token == "" {
		return "", a.asError()
	}
	return in.Token, nil
}

// LoginCookie signs in with a password in a browser and returns the session cookie.
//
// Errors: those of Login.
func (s *Server) LoginCookie(ctx context.Context, identifier, password string) (*http.Cookie, error) {
	b := s.browser()
	a, err := b.submit(ctx, "login", nil, map[string]any{"method": "password", "identifier": identifier, "password": password})
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(s.PublicURL)
	if err != nil {
		return nil, err
	}
	for _, c := range b.http.Jar.Cookies(at) {
		if c.Name == SessionCookie {
			return c, nil
		}
	}
	return nil, a.asError()
}

// SessionCookie is the name of Kratos' session cookie.
const SessionCookie = "ory_kratos_session"

// Register signs up with the API flow. It returns the ids of the messages with
// which Kratos rejected the registration; none: it succeeded and created an
// identity.
//
// Errors: any error means that the outcome is unknown.
func (s *Server) Register(ctx context.Context, email, password string) (messages []int, err error) {
	a, err := s.app("").submit(ctx, "registration", nil, map[string]any{
		"method": "password", "traits": map[string]any{"email": email}, "password": password,
	})
	if err != nil || a.status == http.StatusOK {
		return nil, err
	}
	var f flow
	if a.status == http.StatusBadRequest && json.Unmarshal(a.body, &f) == nil {
		if messages = f.errorIDs(); len(messages) > 0 {
			return messages, nil
		}
	}
	return nil, a.asError()
}
