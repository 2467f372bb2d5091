package webhook_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

// request is a request that a receiver got.
type request struct {
	method string
	header http.Header
	body   []byte
}

// receiver is a real HTTP server that records its requests.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []request
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.requests = append(r.requests, request{req.Method, req.Header.Clone(), body})
		r.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

// got returns all requests so far, oldest first.
func (r *receiver) got() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// status returns a handler that always responds with code.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// refuse responds with a refusal of one message.
func refuse(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, `{"messages":[{"instance_ptr":"#/traits/email","messages":[{"id":7,"text":"no seats left","type":"error","context":{"seats":0}}]}]}`)
}

func mustNew(t *testing.T, config webhook.Config) *webhook.Webhooks {
	t.Helper()
	w, err := webhook.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// longTimeout is the longest timeout that a hook may have. Only tests of timeouts
// set a shorter one.
const longTimeout = 30 * time.Second

// newWebhooks returns Webhooks with one hook "crm" for invitation_token_created.
func newWebhooks(t *testing.T, url string, change func(*webhook.Hook)) *webhook.Webhooks {
	t.Helper()
	hook := webhook.Hook{ID: "crm", Events: []bridge.Event{bridge.EventTokenCreated}, URL: url, Timeout: longTimeout}
	if change != nil {
		change(&hook)
	}
	return mustNew(t, webhook.Config{Hooks: []webhook.Hook{hook}})
}

// blockingHook returns a hook for pre_invitation_creation.
func blockingHook(id, url string) webhook.Hook {
	return webhook.Hook{ID: id, Events: []bridge.Event{bridge.EventPreInvitation}, URL: url, CanInterrupt: true, Timeout: longTimeout}
}

func secret(fill string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(fill, 32)))
}

func inline(template string) string {
	return "base64://" + base64.StdEncoding.EncodeToString([]byte(template))
}

// later returns the template with an empty result for the samples that New renders
// it with, so that it takes effect only for other payloads.
func later(template string) string {
	return strings.Replace(template, "function(ctx)", `function(ctx) if ctx.data.invitation.id[0:8] == "01970c5e" then {} else`, 1)
}

var (
	invitationID = uuid.MustParse("0198c0de-0000-7000-8000-000000000001")
	identityID   = uuid.MustParse("0198c0de-0000-4000-8000-000000000002")
	messageID    = uuid.MustParse("0198c0de-0000-7000-8000-000000000003")
	eventTime    = time.Date(2026, 3, 4, 5, 6, 7, 891011000, time.UTC)
)

// payload returns a payload as the bridge creates it for event.
func payload(event bridge.Event) bridge.Payload {
	p := bridge.Payload{Type: event, Timestamp: eventTime, Data: bridge.PayloadData{
		Invitation: bridge.InvitationView{
			ID: invitationID, Email: "grace@example.com", State: bridge.StatePending, SchemaID: "default",
			InviterID: "u-1", InviterName: "Ada <ada> & \u2028 \"co\"", InviterEmail: "ada@example.com",
			Locale: "en", TimeZone: "Europe/London", Traits: map[string]string{"name.first": "Grace"}, ReturnTo: "https://app.example.com/?a=1&b=2",
			CreatedAt: eventTime, UpdatedAt: eventTime, ExpiresAt: eventTime.Add(48 * time.Hour), Delivery: "pending",
		},
	}}
	if event != bridge.EventPreInvitation {
		p.Data.IdentityID, p.Data.Invitation.IdentityID = identityID, identityID
	}
	switch event {
	case bridge.EventTokenCreated:
		p.Data.Token = "AZjA3gAAcACAAAAAAAAABA"
		p.Data.Link = "https://invite.example.com/accept?token=AZjA3gAAcACAAAAAAAAABA&locale=en"
	case bridge.EventPostPassword:
		p.Data.Invitation.State, p.Data.Invitation.AcceptedAt = bridge.StateAccepted, eventTime
	case bridge.EventInvitationRevoked:
		p.Data.Invitation.State, p.Data.Invitation.RevokedAt = bridge.StateRevoked, eventTime
	case bridge.EventInvitationExpired:
		p.Data.Invitation.State = bridge.StateExpired
	case bridge.EventDeliveryFailed:
		p.Data.Message = &bridge.FailedMessage{ID: messageID, Event: bridge.EventTokenCreated, Endpoint: "courier", Detail: "SMTP 550"}
	default: // no further fields
	}
	return p
}

func dispatch(event bridge.Event) bridge.Dispatch {
	return bridge.Dispatch{MessageID: messageID, Endpoint: "crm", Attempt: 1, At: time.Now().UTC(), Payload: payload(event)}
}
