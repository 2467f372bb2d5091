package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge/testenv"
)

const base = "/api/v1/invite"

// answer is a response of the bridge.
type answer struct {
	status     int
	text       string
	retryAfter string
	ID         uuid.UUID `json:"id"`
	Token      string    `json:"invitation_token"`
	State      string    `json:"state"`
	Who        uuid.UUID `json:"identity_id"`
	ExpiresAt  time.Time `json:"expires_at"`
	AcceptedAt time.Time `json:"accepted_at"`
	Error      struct{ ID string }
	Continue   []struct {
		Flow struct{ ID uuid.UUID }
		Code string `json:"recovery_code"`
	} `json:"continue_with"`
}

// client returns a client of the bridge that listens at a unix socket. It keeps no
// connections, because that process is killed.
func client(socket string) *http.Client {
	return &http.Client{
		Timeout: testenv.Limit,
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// origin is that of all bridges: each is reached by its socket.
const origin = "http://bridge.example"

func call(ctx context.Context, method, socket, path string, body any) (a answer, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return a, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, origin+base+path, bytes.NewReader(text))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+apiKey)
	if name, ok := ctx.Value(clientKey{}).(string); ok {
		r.Header.Set(clientHeader, name)
	}
	res, err := client(socket).Do(r)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return a, err
	}
	_ = json.Unmarshal(raw, &a) // a list, or an error's own fields
	a.status, a.text, a.retryAfter = res.StatusCode, string(raw), res.Header.Get("Retry-After")
	return a, nil
}

// isReady reports whether a bridge says that it is ready.
func isReady(ctx context.Context, socket string) bool {
	ctx, cancel := context.WithTimeout(ctx, testenv.Limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/health/ready", nil)
	if err != nil {
		return false
	}
	res, err := client(socket).Do(r)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// is returns an error unless the response has one of these statuses.
func (a answer) is(statuses ...int) error {
	for _, s := range statuses {
		if a.status == s {
			return nil
		}
	}
	return fmt.Errorf("%d %s", a.status, a.text)
}
