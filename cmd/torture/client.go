package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
)

const base = "/api/v1/invite"

// answer is what the bridge said.
type answer struct {
	status     int
	text       string
	retryAfter string
	ID         uuid.UUID `json:"id"`
	Token      string    `json:"invitation_token"`
	State      string    `json:"state"`
	Who        uuid.UUID `json:"identity_id"`
	ExpiresAt  time.Time `json:"expires_at"`
	Error      struct{ ID string }
}

// client keeps no connections: the process at their other end is killed.
var client = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func call(ctx context.Context, method, address, path string, body any) (a answer, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return a, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+address+base+path, bytes.NewReader(text))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := client.Do(r)
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

// is says whether an answer is one of these.
func (a answer) is(statuses ...int) error {
	for _, s := range statuses {
		if a.status == s {
			return nil
		}
	}
	return fmt.Errorf("%d %s", a.status, a.text)
}
