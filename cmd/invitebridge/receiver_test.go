package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"invitebridge/bridge/testenv"
)

const hookSecret = "whsec_Y2FuYXJ5LWhvb2stc2VjcmV0LW9mLXRoaXJ0eS10d28="

// hookEvent is a received and verified webhook.
type hookEvent struct {
	id    string
	Type  string `json:"type"`
	token string
	email string
	body  string
}

// hookReceiver verifies every webhook with the official library. It answers 204
// unless Answer sets something else.
type hookReceiver struct {
	*httptest.Server
	t      testing.TB
	mu     sync.Mutex
	answer func(e hookEvent, w http.ResponseWriter) bool // reports whether it has written a response
	got    []hookEvent
}

func newHookReceiver(t testing.TB) *hookReceiver {
	t.Helper()
	r := &hookReceiver{t: t}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// Answer makes answer respond to webhooks from now on; nil restores the default.
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
		r.t.Errorf("verification of a webhook failed: %v", err)
	}
	e := hookEvent{id: request.Header.Get("Webhook-Id"), Type: payload.Type, token: payload.Data.Token, email: payload.Data.Invitation.Email, body: string(body)}
	r.mu.Lock()
	answer := r.answer
	r.got = append(r.got, e)
	r.mu.Unlock()
	if answer == nil || !answer(e, w) {
		w.WriteHeader(http.StatusNoContent)
	}
}

// all returns all received events.
func (r *hookReceiver) all() []hookEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// events returns the received events of one type for one address.
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

// await waits for an event, because webhooks are asynchronous.
func (r *hookReceiver) await(kind, email string) hookEvent {
	r.t.Helper()
	var events []hookEvent
	eventually(r.t, func() bool { events = r.events(kind, email); return len(events) > 0 })
	return events[0]
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	testenv.Eventually(t, "the expected state of the bridge", ok)
}
