package kratostest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
)

// Kratos' ids for credentials that do not match and for an inactive identity.
const (
	messageWrongPassword = 4000006
	messageInactive      = 4010011
)

// flow is the part of a self-service flow that matters here.
type flow struct {
	UI struct {
		Action   string    `json:"action"`
		Messages []message `json:"messages"`
		Nodes    []struct {
			Messages []message `json:"messages"`
		} `json:"nodes"`
	} `json:"ui"`
}

type message struct {
	ID   int    `json:"id"`
	Type string `json:"type"`
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

// Login signs in by the API flow, as an app does, and gives the session token.
// ErrWrongPassword; ErrInactive; else an *AnswerError.
func (s *Server) Login(ctx context.Context, email, password string) (sessionToken string, err error) {
	action, status, answer, err := s.submit(ctx, "login", map[string]any{
		"method": "password", "identifier": email, "password": password,
	})
	if err != nil {
		return "", err
	}
	switch status {
	case http.StatusOK:
		var session struct {
			Token string `json:"session_token"`
		}
		err := json.Unmarshal(answer, &session)
		return session.Token, err
	case http.StatusBadRequest:
		var f flow
		_ = json.Unmarshal(answer, &f) // what is no flow has no messages
		switch ids := f.errorIDs(); {
		case slices.Contains(ids, messageWrongPassword):
			return "", ErrWrongPassword
		case slices.Contains(ids, messageInactive): // after v26.2.0
			return "", ErrInactive
		}
	case http.StatusUnauthorized:
		// Kratos checks the password first, and then the state. This is its answer
		// up to v26.2.0.
		return "", ErrInactive
	}
	return "", &AnswerError{Method: http.MethodPost, Path: action, Status: status, Body: string(answer)}
}

// Register signs up by the API flow, and gives the ids of the messages with
// which Kratos refused; none: it accepted, and there is an identity now. An
// error means that there was no verdict.
func (s *Server) Register(ctx context.Context, email, password string) (messages []int, err error) {
	action, status, answer, err := s.submit(ctx, "registration", map[string]any{
		"method": "password", "traits": map[string]any{"email": email}, "password": password,
	})
	if err != nil || status == http.StatusOK {
		return nil, err
	}
	var f flow
	if status == http.StatusBadRequest && json.Unmarshal(answer, &f) == nil {
		if messages = f.errorIDs(); len(messages) > 0 {
			return messages, nil
		}
	}
	return nil, &AnswerError{Method: http.MethodPost, Path: action, Status: status, Body: string(answer)}
}

// submit begins a flow and sends its form.
func (s *Server) submit(ctx context.Context, kind string, form map[string]any) (action string, status int, answer []byte, err error) {
	s.flows.Lock()
	defer s.flows.Unlock()
	begin := s.PublicURL + "/self-service/" + kind + "/api"
	status, answer, err = s.exchange(ctx, http.MethodGet, begin, nil)
	if err != nil {
		return "", 0, nil, err
	}
	var f flow
	if status != http.StatusOK || json.Unmarshal(answer, &f) != nil || f.UI.Action == "" {
		return "", 0, nil, &AnswerError{Method: http.MethodGet, Path: begin, Status: status, Body: string(answer)}
	}
	body, err := json.Marshal(form)
	if err != nil {
		return "", 0, nil, err
	}
	status, answer, err = s.exchange(ctx, http.MethodPost, f.UI.Action, body)
	return f.UI.Action, status, answer, err
}
