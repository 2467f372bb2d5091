package main

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"invitebridge/kratos/kratostest"
)

// TestKill9Delivery kills a real process 50 times between the commit of an event
// and its delivery, and 50 times between its delivery and the commit of the
// result. Every event arrives at least once, always with the same id.
func TestKill9Delivery(t *testing.T) {
	t.Parallel() // it waits for leases to expire
	const kills = 50
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	receiver := newHookReceiver(t)
	var mu sync.Mutex
	open, arrived := false, make(chan hookEvent, 1)
	receiver.Answer(func(e hookEvent, w http.ResponseWriter) bool {
		mu.Lock()
		defer mu.Unlock()
		if open {
			return false
		}
		select {
		case arrived <- e: // the process is killed before this is answered
			time.Sleep(100 * time.Millisecond)
		default:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	p := newProcess(t, kratos.URL, fmt.Sprintf(`
hooks: [ { id: crm, url: %s, secrets: [ %s ], events: [ invitation_token_created ] } ]`, receiver.URL, hookSecret))
	for i := range 2 * kills {
		p.start(t)
		a, err := send(t.Context(), http.MethodPost, p.admin+base+"/", object{"email": fmt.Sprintf("u%d@example.com", i)}, "Authorization", "Bearer "+key)
		if err != nil || a.status != http.StatusCreated {
			t.Fatalf("%d %s, %v", a.status, a.text, err)
		}
		if i%2 == 0 {
			<-arrived // it was sent, but the result is not stored
		}
		p.kill(t)
		select {
		case <-arrived:
		default:
		}
	}
	mu.Lock()
	open = true
	mu.Unlock()
	p.start(t)
	for i := range 2 * kills {
		email := fmt.Sprintf("u%d@example.com", i)
		eventually(t, func() bool { return len(receiver.events("invitation_token_created", email)) > 0 && p.sent(t, email) })
		ids := map[string]bool{}
		for _, e := range receiver.events("invitation_token_created", email) {
			ids[e.id] = true
		}
		if len(ids) != 1 {
			t.Errorf("%s arrived with %d ids", email, len(ids))
		}
	}
	p.kill(t)
}

// sent reports whether the only message for an address was sent. If it is queued,
// sent requests an attempt now.
func (p *process) sent(t *testing.T, email string) bool {
	t.Helper()
	get := func(method, path string) (list []object) {
		a, err := send(t.Context(), method, p.admin+base+path, nil, "Authorization", "Bearer "+key)
		if method == http.MethodPost && a.errorID() == "message_not_failed" {
			return nil // it has just been sent
		}
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("%s: %d %s, %v", path, a.status, a.text, err)
		}
		if method == http.MethodGet {
			decode(t, a.text, &list)
		}
		return list
	}
	invitations := get(http.MethodGet, "/?email="+email)
	messages := get(http.MethodGet, "/"+invitations[0]["id"].(string)+"/messages")
	if messages[0]["state"] == "queued" {
		get(http.MethodPost, "/messages/"+messages[0]["id"].(string)+"/retry")
	}
	return messages[0]["state"] == "sent"
}
