package kratos_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// The slow are told from the quick by this, so it must be long enough for all
// that is quick, on a machine that has other things to do.
const testTimeout = 500 * time.Millisecond

// bench is a fake with one invited identity, and a client of it. The identity
// has a session and an authenticator app of an earlier life.
type bench struct {
	fake   *kratostest.Fake
	client *kratos.Client
	made   bridge.Identity
	mark   uuid.UUID
}

const (
	invitedEmail    = "ada@example.com"
	invitedPassword = "correct horse"
)

func newBench(t *testing.T, config kratos.Config) *bench {
	t.Helper()
	b := &bench{fake: newFake(t, kratostest.FakeOptions{ExternalIDs: true}), mark: uuid.New()}
	ctx, patient := t.Context(), newClient(t, kratos.Config{AdminURL: b.fake.URL, Timeout: patience})
	made, err := patient.Create(ctx, bridge.NewIdentity{
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

func (b *bench) activation() bridge.WriteActive {
	return bridge.WriteActive{Mark: bridge.Mark{InvitationID: b.mark, AcceptedAt: time.Unix(1e9, 0).UTC()}, Password: invitedPassword}
}

// shown is the identity as the admin API shows it.
func (b *bench) shown(t *testing.T) string {
	t.Helper()
	raw, err := b.fake.Read(t.Context(), b.made.ID)
	must(t, err)
	return string(raw)
}

func answers(status int, body, contentType string) kratostest.Fault {
	return kratostest.Fault{Do: kratostest.Answer, Status: status, Body: body, ContentType: contentType}
}

const (
	text = "text/plain; charset=utf-8"
	html = "text/html"
)

// trouble is what may happen to a request, and what is known afterwards.
type trouble struct {
	name    string
	fault   kratostest.Fault
	outcome bridge.Outcome
	status  int
	effect  bool // a write has its effect
	slow    bool // it takes longer than the client waits
	lost    bool // no answer came, so a read asks again
}

var troubles = []trouble{
	{name: "cut before", fault: kratostest.Fault{Do: kratostest.CutBefore}, outcome: bridge.OutcomeUnknown, lost: true},
	{name: "cut after", fault: kratostest.Fault{Do: kratostest.CutAfter}, outcome: bridge.OutcomeUnknown, effect: true, lost: true},
	{name: "cut in the body", fault: kratostest.Fault{Do: kratostest.CutBody}, outcome: bridge.OutcomeUnknown, effect: true, lost: true, status: -1},
	{name: "slow answer", fault: kratostest.Fault{Stall: time.Minute}, outcome: bridge.OutcomeUnknown, effect: true, slow: true},
	{name: "slow before", fault: kratostest.Fault{Delay: time.Minute}, outcome: bridge.OutcomeUnknown, slow: true},
	{name: "500", fault: answers(500, `{"error":{"code":500,"message":"no"}}`, ""), outcome: bridge.OutcomeUnknown, status: 500},
	{name: "500 after all", fault: kratostest.Fault{Do: kratostest.CommitAndAnswer, Status: 500}, outcome: bridge.OutcomeUnknown, status: 500, effect: true},
	{name: "502 of a gateway", fault: answers(502, "<h1>Bad Gateway</h1>", html), outcome: bridge.OutcomeUnknown, status: 502},
	{name: "503", fault: answers(503, "", text), outcome: bridge.OutcomeUnknown, status: 503},
	{name: "504", fault: answers(504, "", text), outcome: bridge.OutcomeUnknown, status: 504},
	{name: "429", fault: answers(429, "slow down", text), outcome: bridge.OutcomeNotDone, status: 429},
	{name: "408", fault: answers(408, "", text), outcome: bridge.OutcomeNotDone, status: 408},
	{name: "400 of a gateway", fault: answers(400, "plain HTTP to an HTTPS port", text), outcome: bridge.OutcomeRefused, status: 400},
	{name: "401", fault: answers(401, `{"error":{"code":401,"message":"who are you"}}`, ""), outcome: bridge.OutcomeRefused, status: 401},
	{name: "403", fault: answers(403, "forbidden", text), outcome: bridge.OutcomeRefused, status: 403},
	{name: "404 of another server", fault: answers(404, "404 page not found", text), outcome: bridge.OutcomeRefused, status: 404},
	{name: "404 of a gateway in Ory's shape", fault: answers(404, `{"error":{"code":404,"message":"no rule matches"}}`, ""), outcome: bridge.OutcomeRefused, status: 404},
	{name: "405", fault: answers(405, "Method Not Allowed", text), outcome: bridge.OutcomeRefused, status: 405},
	{name: "413", fault: answers(413, "", html), outcome: bridge.OutcomeRefused, status: 413},
	{name: "302", fault: answers(302, "", html), outcome: bridge.OutcomeRefused, status: 302},
	{name: "307", fault: answers(307, "", html), outcome: bridge.OutcomeRefused, status: 307},
}

func (tr trouble) config() kratos.Config {
	c := kratos.Config{MaxAnswer: 32 << 10, Timeout: time.Minute}
	if tr.slow {
		c.Timeout = testTimeout
	}
	return c
}

// oddBodies are of a 2xx.
var oddBodies = []trouble{
	{name: "not JSON", fault: answers(201, "<html>welcome</html>", html), outcome: bridge.OutcomeUnknown, status: 201},
	{name: "not an identity", fault: answers(200, `{"id":null}`, ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "another identity", fault: answers(200, `{"id":"`+uuid.NewString()+`","schema_id":"x","state":"inactive","traits":{}}`, ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "an odd list", fault: answers(200, `[{"id":"`+uuid.NewString()+`","schema_id":"x","state":"dubious"}]`, ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "nothing", fault: answers(200, "", ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "too long", fault: answers(200, `{"id":"`+strings.Repeat("x", 64<<10)+`"}`, ""), outcome: bridge.OutcomeUnknown, status: -1, lost: true},
}
