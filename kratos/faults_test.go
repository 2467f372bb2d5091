package kratos_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// testTimeout separates slow requests from fast ones. It must be long enough
// for every fast request on a busy machine.
const testTimeout = 500 * time.Millisecond

// fixture is a fake with one invited identity, and a client of the fake. The
// identity has a session and an authenticator app from earlier use.
type fixture struct {
	fake   *kratostest.Fake
	client *kratos.Client
	made   bridge.Identity
	mark   uuid.UUID
}

const (
	invitedEmail    = "ada@example.com"
	invitedPassword = "correct horse"
)

func newFixture(t *testing.T, config kratos.Config) *fixture {
	t.Helper()
	b := &fixture{fake: newFake(t, kratostest.FakeOptions{ExternalIDs: true}), mark: uuid.New()}
	ctx, patient := t.Context(), newClient(t, kratos.Config{AdminURL: b.fake.URL, Timeout: longTimeout})
	made, err := patient.Create(ctx, bridge.IdentityParams{
		InvitationID: b.mark, SchemaID: kratostest.DefaultSchema, Traits: []byte(`{"email":"` + invitedEmail + `"}`),
	})
	must(t, err)
	must(t, b.fake.SetState(ctx, made.ID, "active"))
	_, err = b.fake.AddSession(made.ID)
	must(t, err)
	must(t, b.fake.SetCredential(made.ID, "totp", ""))
	must(t, b.fake.SetState(ctx, made.ID, "inactive"))
	b.made, err = patient.Get(ctx, made.ID)
	must(t, err)
	config.AdminURL = b.fake.URL
	b.client = newClient(t, config)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *fixture) activation() bridge.WriteActive {
	return bridge.WriteActive{Mark: bridge.Mark{InvitationID: b.mark, AcceptedAt: time.Unix(1e9, 0).UTC()}, Password: invitedPassword}
}

// shown returns the identity as the admin API shows it.
func (b *fixture) shown(t *testing.T) string {
	t.Helper()
	raw, err := b.fake.Read(t.Context(), b.made.ID)
	must(t, err)
	return string(raw)
}

func respondWith(status int, body, contentType string) kratostest.Fault {
	return kratostest.Fault{Do: kratostest.Answer, Status: status, Body: body, ContentType: contentType}
}

const (
	text = "text/plain; charset=utf-8"
	html = "text/html"
)

// failureCase is a failure of a request, and what is known of its effect
// afterwards.
type failureCase struct {
	name    string
	fault   kratostest.Fault
	outcome bridge.CallOutcome
	status  int
	effect  bool // a write takes effect
	slow    bool // it takes longer than the client's timeout
	lost    bool // there is no response, so a read is repeated
}

var failureCases = []failureCase{
	{name: "cut before", fault: kratostest.Fault{Do: kratostest.CutBefore}, outcome: bridge.OutcomeUnknown, lost: true},
	{name: "cut after", fault: kratostest.Fault{Do: kratostest.CutAfter}, outcome: bridge.OutcomeUnknown, effect: true, lost: true},
	{name: "cut in the body", fault: kratostest.Fault{Do: kratostest.CutBody}, outcome: bridge.OutcomeUnknown, effect: true, lost: true, status: -1},
	{name: "slow answer", fault: kratostest.Fault{Stall: testenv.Limit}, outcome: bridge.OutcomeUnknown, effect: true, slow: true},
	{name: "slow before", fault: kratostest.Fault{Delay: testenv.Limit}, outcome: bridge.OutcomeUnknown, slow: true},
	{name: "500", fault: respondWith(500, `{"error":{"code":500,"message":"no"}}`, ""), outcome: bridge.OutcomeUnknown, status: 500},
	{name: "500 after the effect", fault: kratostest.Fault{Do: kratostest.CommitAndAnswer, Status: 500}, outcome: bridge.OutcomeUnknown, status: 500, effect: true},
	{name: "502 of a gateway", fault: respondWith(502, "<h1>Bad Gateway</h1>", html), outcome: bridge.OutcomeUnknown, status: 502},
	{name: "503", fault: respondWith(503, "", text), outcome: bridge.OutcomeUnknown, status: 503},
	{name: "504", fault: respondWith(504, "", text), outcome: bridge.OutcomeUnknown, status: 504},
	{name: "429", fault: respondWith(429, "slow down", text), outcome: bridge.OutcomeNotApplied, status: 429},
	{name: "408", fault: respondWith(408, "", text), outcome: bridge.OutcomeNotApplied, status: 408},
	{name: "400 of a gateway", fault: respondWith(400, "plain HTTP to an HTTPS port", text), outcome: bridge.OutcomeRejected, status: 400},
	{name: "401", fault: respondWith(401, `{"error":{"code":401,"message":"who are you"}}`, ""), outcome: bridge.OutcomeRejected, status: 401},
	{name: "403", fault: respondWith(403, "forbidden", text), outcome: bridge.OutcomeRejected, status: 403},
	{name: "404 of another server", fault: respondWith(404, "404 page not found", text), outcome: bridge.OutcomeRejected, status: 404},
	{name: "404 of a gateway in Ory's shape", fault: respondWith(404, `{"error":{"code":404,"message":"no rule matches"}}`, ""), outcome: bridge.OutcomeRejected, status: 404},
	{name: "405", fault: respondWith(405, "Method Not Allowed", text), outcome: bridge.OutcomeRejected, status: 405},
	{name: "413", fault: respondWith(413, "", html), outcome: bridge.OutcomeRejected, status: 413},
	{name: "302", fault: respondWith(302, "", html), outcome: bridge.OutcomeRejected, status: 302},
	{name: "307", fault: respondWith(307, "", html), outcome: bridge.OutcomeRejected, status: 307},
}

func (tr failureCase) config() kratos.Config {
	c := kratos.Config{MaxResponseBytes: 32 << 10, Timeout: longTimeout}
	if tr.slow {
		c.Timeout = testTimeout
	}
	return c
}

// malformedBodies are 2xx responses with unexpected bodies.
var malformedBodies = []failureCase{
	{name: "not JSON", fault: respondWith(201, "<html>welcome</html>", html), outcome: bridge.OutcomeUnknown, status: 201},
	{name: "not an identity", fault: respondWith(200, `{"id":null}`, ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "another identity", fault: respondWith(200, `{"id":"`+uuid.NewString()+`","schema_id":"x","state":"inactive","traits":{}}`, ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "a malformed list", fault: respondWith(200, `[{"id":"`+uuid.NewString()+`","schema_id":"x","state":"dubious"}]`, ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "nothing", fault: respondWith(200, "", ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "too long", fault: respondWith(200, `{"id":"`+strings.Repeat("x", 64<<10)+`"}`, ""), outcome: bridge.OutcomeUnknown, status: -1, lost: true},
}
