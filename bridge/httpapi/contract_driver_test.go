package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/outbox"
)

// driver provokes responses; it collects the checkers of the scenarios it starts.
type driver struct {
	t        *testing.T
	checkers []*contractChecker
}

func (d *driver) start(t *testing.T, changes ...func(*bridge.Config)) *scenario {
	worker := newWorker()
	a := startWith(t, bridgetest.New(t, append([]func(*bridge.Config){func(c *bridge.Config) { c.Outbox = worker }, withInviters}, changes...)...))
	d.checkers = append(d.checkers, a.checker)
	inviter := a.member(nil)
	mine := inviter.invites(mineEmail).ID.String()
	w := &scenario{api: a, inviter: inviter.Inviter, mineID: mine, issued: a.invite(object{"email": email}), messageID: newestMessage(a), endpointID: bridgetest.Hook, worker: worker}
	w.importID = a.importFile("email\nlater@example.com\n", "start_at=2031-01-01T00:00:00Z").ID
	return w
}

func newestMessage(a *api) string {
	var page []struct{ ID string }
	a.asAdmin(http.MethodGet, "/messages", nil).into(a.t, &page)
	return page[0].ID
}

// scenario is a bridge with one invitation, which its requests refer to.
type scenario struct {
	*api
	issued     issuedInvitation
	messageID  string
	endpointID string
	importID   string // of one that is not begun
	inviter    bridge.Inviter
	mineID     string // of an invitation by the inviter
	worker     *outbox.Worker
}

// body returns a valid body for an operation; nil if it has none.
func (d *scenario) body(operation string) any {
	switch operation {
	case "createInvitation", "createMyInvitation":
		return object{"email": "new@example.com"}
	case "createImport":
		return "email\nnew@example.com\n"
	case "acceptInvitation":
		return object{"password": password}
	case "confirmInvitation":
		return object{"invitation_token": d.issued.Token, "password": password}
	case "requestLink":
		return object{"email": email}
	case "submitLinkRequest":
		return url.Values{"email": {email}}.Encode()
	case "submitInvitation":
		return url.Values{"password": {password}}.Encode()
	}
	return nil
}

// send sends the operation's request, modified by change, to each listener that
// has it. It returns the last response.
func (d *scenario) send(o *operation, change func(*http.Request), body any) (last answer) {
	d.t.Helper()
	for listener, path := range o.paths {
		id := d.issued.ID
		if strings.Contains(path, "/messages/") {
			id = d.messageID
		}
		if strings.Contains(path, "/endpoints/") {
			id = d.endpointID
		}
		if o.session {
			id = d.mineID
		}
		if strings.Contains(path, "/imports/") {
			id = d.importID
		}
		at := d.admin
		if listener == "public" {
			at = d.public
		}
		r := request(d.t, o.method, at+strings.NewReplacer("{id}", id, "{token}", d.issued.Token).Replace(path), body)
		switch {
		case o.session:
			r.Header.Set("X-Session-Token", bridgetest.NewSession(d.inviter).Reveal())
		case !o.public:
			r.Header.Set("Authorization", "Bearer "+key)
		}
		if o.id == "submitInvitation" || o.id == "submitLinkRequest" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if o.id == "createImport" {
			r.Header.Set("Content-Type", "text/csv")
		}
		if change != nil {
			change(r)
		}
		last = do(d.t, r)
	}
	return last
}

// want sends an operation's request and checks status and error id.
func (d *scenario) want(operation string, status int, errorID string, body any) {
	d.t.Helper()
	for _, o := range loadContract().operations {
		if o.id != operation {
			continue
		}
		if got := d.send(o, nil, body); got.status != status || got.errorID() != errorID {
			d.t.Errorf("%s: %d %s, want %d %s", operation, got.status, got.body, status, errorID)
		}
		return
	}
	d.t.Errorf("there is no %s", operation)
}

// operationsWith returns the operations that document this status and error id, but those
// for inviters with a session.
func operationsWith(status int, errorID string) (found []*operation) {
	for _, o := range documenting(status, errorID) {
		if !o.session {
			found = append(found, o)
		}
	}
	return found
}

func documenting(status int, errorID string) (found []*operation) {
	for _, o := range loadContract().operations {
		if slices.Contains(o.responses[status].errorIDs, errorID) {
			found = append(found, o)
		}
	}
	return found
}

// wantAll is want for every operation that documents this status and error id.
func (d *scenario) wantAll(status int, errorID string, change func(*http.Request), body func(*operation) any) {
	d.t.Helper()
	found := operationsWith(status, errorID)
	for _, o := range found {
		if got := d.send(o, change, body(o)); got.status != status || got.errorID() != errorID {
			d.t.Errorf("%s: %d %s, want %d %s", o.id, got.status, got.body, status, errorID)
		}
	}
	if len(found) == 0 {
		d.t.Errorf("no operation documents %d %s", status, errorID)
	}
}

func (d *scenario) defaultBody(o *operation) any { return d.body(o.id) }

// deliver attempts all messages due at an endpoint, with the given result.
func (d *scenario) deliver(endpoint string, result bridge.SendResult) {
	d.t.Helper()
	claimed, _, err := d.Service.ClaimMessages(d.t.Context(), endpoint, 100, time.Minute)
	if err != nil || len(claimed) == 0 {
		d.t.Fatalf("%d messages are due at %s: %v", len(claimed), endpoint, err)
	}
	for _, c := range claimed {
		if err := d.Service.FinishMessages(d.t.Context(), bridge.FinishedMessage{Claimed: c, Result: result}); err != nil {
			d.t.Fatal(err)
		}
	}
}
