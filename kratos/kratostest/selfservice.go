package kratostest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
)

// Kratos' ids of messages.
const (
	messageWrongPassword = 4000006 // credentials that do not fit
	messageDisabled      = 4010011 // on versions later than v26.2.0
)

// messagesWrongCode are those for TOTP, for backup codes that are wrong or used,
// for mailed codes of login, recovery and verification, for recovery links, and
// for a login flow that has had its code.
var messagesWrongCode = []int{4000008, 4000016, 4000012, 4010008, 4060006, 4070006, 4060004, 4010002}

// flow is the part of a self-service flow that matters here.
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

// value gives the value of an input, or "".
func (f flow) value(name string) string {
	for _, n := range f.UI.Nodes {
		if n.Attributes.Name == name {
			text, _ := n.Attributes.Value.(string)
			return text
		}
	}
	return ""
}

// text gives what a text of the form says, or "".
func (f flow) text(id string) string {
	for _, n := range f.UI.Nodes {
		if n.Attributes.ID == id {
			return n.Attributes.Text.Text
		}
	}
	return ""
}

// errorIDs gives the ids of all messages of the type error, in their order.
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

// refusal tells why a flow was refused, if its messages do.
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

// Login signs in by the API flow, as an app does, and gives the session token.
// ErrWrongPassword; ErrInactive; else an *AnswerError.
func (s *Server) Login(ctx context.Context, identifier, password string) (sessionToken string, err error) {
	a, err := s.app("").submit(ctx, "login", nil, map[string]any{
		"method": "password", "identifier": identifier, "password": password,
	})
	if err != nil {
		return "", err
	}
	return a.sessionToken()
}

// sessionToken takes the token from an answer that lets somebody in.
func (a answer) sessionToken() (string, error) {
	var in struct {
		Token        string `json:"session_token"`
		ContinueWith []struct {
			Action string `json:"action"`
			Token  string `json:"ory_session_token"`
		} `json:"continue_with"`
	}
	if a.status != http.StatusOK {
		return "", a.refused()
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
		return "", a.refused()
	}
	return in.Token, nil
}

// Register signs up by the API flow, and gives the ids of the messages with
// which Kratos refused; none: it accepted, and there is an identity now. An
// error means that there was no verdict.
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
	return nil, a.refused()
}
