package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/outbox"
)

// driver asks for operations by their ids.
type driver struct {
	t       *testing.T
	watches []*watch
}

func (d *driver) start(t *testing.T, changes ...func(*bridge.Config)) *driven {
	worker := newWorker()
	a := startWorld(t, bridgetest.New(t, append([]func(*bridge.Config){func(c *bridge.Config) { c.Outbox = worker }}, changes...)...))
	d.watches = append(d.watches, a.watch)
	return &driven{api: a, addressee: a.invite(object{"email": email}), messageID: newestMessage(a), endpointID: bridgetest.Hook, worker: worker}
}

func newestMessage(a *api) string {
	var page []struct{ ID string }
	a.asAdmin(http.MethodGet, "/messages", nil).into(a.t, &page)
	return page[0].ID
}

// driven is a bridge with one invitation, which every request is about.
type driven struct {
	*api
	addressee  offer
	messageID  string
	endpointID string
	worker     *outbox.Worker
}

// bodies are what operations are sent, where they want a body.
func (d *driven) body(operation string) any {
	switch operation {
	case "createInvitation":
		return object{"email": "new@example.com"}
	case "acceptInvitation":
		return object{"password": password}
	case "confirmInvitation":
		return object{"invitation_token": d.addressee.Token, "password": password}
	case "submitInvitation":
		return url.Values{"password": {password}}.Encode()
	}
	return nil
}

// ask sends the request that an operation is, on each listener that has it,
// after change; the last answer is given.
func (d *driven) ask(o *operation, change func(*http.Request), body any) (last answer) {
	d.t.Helper()
	for listener, path := range o.paths {
		id := d.addressee.ID
		if strings.Contains(path, "/messages/") {
			id = d.messageID
		}
		if strings.Contains(path, "/endpoints/") {
			id = d.endpointID
		}
		at := d.admin
		if listener == "public" {
			at = d.public
		}
		r := request(d.t, o.method, at+strings.NewReplacer("{id}", id, "{token}", d.addressee.Token).Replace(path), body)
		if !o.public {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		if o.id == "submitInvitation" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if change != nil {
			change(r)
		}
		last = do(d.t, r)
	}
	return last
}

// want asks for an operation, and for one answer.
func (d *driven) want(operation string, status int, errorID string, body any) {
	d.t.Helper()
	for _, o := range theContract().operations {
		if o.id != operation {
			continue
		}
		if got := d.ask(o, nil, body); got.status != status || got.errorID() != errorID {
			d.t.Errorf("%s: %d %s, want %d %s", operation, got.status, got.body, status, errorID)
		}
		return
	}
	d.t.Errorf("there is no %s", operation)
}

// that gives the operations whose answers have a status and an error id.
func that(status int, errorID string) (found []*operation) {
	for _, o := range theContract().operations {
		for _, id := range o.answers[status].errorIDs {
			if id == errorID {
				found = append(found, o)
			}
		}
	}
	return found
}

// all has every operation that documents an answer give it.
func (d *driven) all(status int, errorID string, change func(*http.Request), body func(*operation) any) {
	d.t.Helper()
	found := that(status, errorID)
	for _, o := range found {
		if got := d.ask(o, change, body(o)); got.status != status || got.errorID() != errorID {
			d.t.Errorf("%s: %d %s, want %d %s", o.id, got.status, got.body, status, errorID)
		}
	}
	if len(found) == 0 {
		d.t.Errorf("no operation documents %d %s", status, errorID)
	}
}

func (d *driven) usual(o *operation) any { return d.body(o.id) }

// deliver attempts what is due at an endpoint, with one outcome.
func (d *driven) deliver(endpoint string, result bridge.Result) {
	d.t.Helper()
	claimed, _, err := d.Service.ClaimMessages(d.t.Context(), endpoint, 100, time.Minute)
	if err != nil || len(claimed) == 0 {
		d.t.Fatalf("%d messages are due at %s: %v", len(claimed), endpoint, err)
	}
	for _, c := range claimed {
		if err := d.Service.FinishMessage(d.t.Context(), c, result); err != nil {
			d.t.Fatal(err)
		}
	}
}
