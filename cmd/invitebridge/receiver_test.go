package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const hookSecret = "whsec_Y2FuYXJ5LWhvb2stc2VjcmV0LW9mLXRoaXJ0eS10d28="

// hookEvent is a webhook that was received and verified.
type hookEvent struct {
	id    string
	Type  string `json:"type"`
	token string
	email string
}

// hookReceiver verifies every webhook with the official library. It answers 204
// unless told otherwise.
type hookReceiver struct {
	*httptest.Server
	t      testing.TB
	mu     sync.Mutex
	answer func(e hookEvent, w http.ResponseWriter) bool // whether it has answered
	got    []hookEvent
}

func newHookReceiver(t testing.TB) *hookReceiver {
	t.Helper()
	r := &hookReceiver{t: t}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// Answer has answer decide from now on.
func (r *hookReceiver) Answer(answer func(e hookEvent, w http.ResponseWriter) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *hookReceiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the sender was killed
	}
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	if err == nil {
		err = verifier.Verify(body, request.Header)
	}
	var payload struct {
		Type string
		Data struct {
			Token      string `json:"invitation_token"`
			Invitation struct{ Email string }
		}
	}
	if err == nil {
		err = json.Unmarshal(body, &payload)
	}
	if err != nil {
		r.t.Errorf("a webhook that does not verify: %v", err)
	}
	e := hookEvent{id: request.Header.Get("Webhook-Id"), Type: payload.Type, token: payload.Data.Token, email: payload.Data.Invitation.Email}
	r.mu.Lock()
	answer := r.answer
	r.got = append(r.got, e)
	r.mu.Unlock()
	if answer == nil || !answer(e, w) {
		w.WriteHeader(http.StatusNoContent)
	}
}

// events gives what was received, of one type for one address.
func (r *hookReceiver) events(kind, email string) (events []hookEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.got {
		if e.Type == kind && e.email == email {
			events = append(events, e)
		}
	}
	return events
}

// await waits for an event: webhooks arrive when they arrive.
func (r *hookReceiver) await(kind, email string) hookEvent {
	r.t.Helper()
	var events []hookEvent
	eventually(r.t, func() bool { events = r.events(kind, email); return len(events) > 0 })
	return events[0]
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(100 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in time")
		}
	}
}
