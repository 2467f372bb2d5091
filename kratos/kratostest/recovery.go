package kratostest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// AdminRecoveryCode creates a recovery code, as an administrator does who
// delivers it other than by email.
func (s *Server) AdminRecoveryCode(ctx context.Context, id uuid.UUID) (*Mailed, error) {
	body := fmt.Sprintf(`{"identity_id":%q,"flow_type":"api"}`, id)
	text, err := s.call(ctx, http.StatusCreated, http.MethodPost, "/admin/recovery/code", []byte(body))
	if err != nil {
		return nil, err
	}
	var made struct {
		Code string `json:"recovery_code"`
		Link string `json:"recovery_link"`
	}
	if err := json.Unmarshal(text, &made); err != nil {
		return nil, err
	}
	link, err := url.Parse(made.Link)
	if err != nil {
		return nil, err
	}
	return s.recovery(made.Code, link.RawQuery), nil
}

// RecoveryOf returns the code of a recovery flow for native apps.
func (s *Server) RecoveryOf(flow bridge.RecoveryFlow) *Mailed {
	return s.recovery(flow.Code.Reveal(), url.Values{"flow": {flow.ID.String()}}.Encode())
}

func (s *Server) recovery(code, query string) *Mailed {
	m := &Mailed{Code: code, server: s, kind: "recovery"}
	m.flow.UI.Action = s.PublicURL + "/self-service/recovery?" + query
	return m
}

// AdminRecoveryLink creates a recovery link.
func (s *Server) AdminRecoveryLink(ctx context.Context, id uuid.UUID) (link string, err error) {
	body := fmt.Sprintf(`{"identity_id":%q}`, id)
	text, err := s.call(ctx, http.StatusOK, http.MethodPost, "/admin/recovery/link", []byte(body))
	if err != nil {
		return "", err
	}
	var made struct {
		Link string `json:"recovery_link"`
	}
	err = json.Unmarshal(text, &made)
	return made.Link, err
}

// FollowRecoveryLink opens a recovery link in a browser. Without an error, the
// browser is signed in.
//
// Errors: ErrSecondFactor if the session still needs it; ErrInactive; else a
// *StatusError.
func (s *Server) FollowRecoveryLink(ctx context.Context, link string) error {
	b := s.browser()
	a, err := b.exchange(ctx, http.MethodGet, link, nil)
	if err != nil {
		return err
	}
	if _, err = b.whoami(ctx); errors.Is(err, ErrNoSession) {
		return b.explain(ctx, a)
	}
	return err
}
