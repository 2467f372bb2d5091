package bridge_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/idna"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// liveBridge is a bridge on a real Kratos: the rules, a bolt store of its own
// and the Kratos client. Its clock is the system clock and can be advanced.
type liveBridge struct {
	*kratostest.Server
	Service *bridge.Service
	Store   *bridgetest.Store
	Clock   *offsetClock

	path       string
	bolt       *boltstore.Store
	identities bridge.Identities
	config     bridge.Config
}

// newLive makes a bridge on a Kratos that other tests may share.
func newLive(t *testing.T, s *kratostest.Server, changes ...func(*bridge.Config)) *liveBridge {
	t.Helper()
	l := &liveBridge{Server: s, Clock: &offsetClock{start: time.Now()}, path: filepath.Join(t.TempDir(), "invites.db")}
	l.config = bridge.Config{
		SchemaID: kratostest.MemberSchema, ToASCII: idna.Lookup.ToASCII,
		LinkTemplate: "https://join.example.com/invite/{token}",
		Lifespan:     24 * time.Hour, MaxLifespan: 720 * time.Hour, Cooldown: time.Minute, Retention: 720 * time.Hour,
		IdentityTimeout: testenv.Limit, LockTimeout: testenv.Limit,
		PasswordPolicy: bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true},
		Renew:          true,
		CodeLifespan:   time.Hour,
		Unaccepted:     bridge.DeleteAtPurge,
		Now:            l.Clock.Now,
		Monotonic:      l.Clock.Running,
		EndpointsFor:   bridgetest.Endpoints,
	}
	for _, change := range changes {
		change(&l.config)
	}
	client, err := kratos.New(kratos.Config{AdminURL: s.AdminURL, PublicURL: s.PublicURL, Timeout: l.config.IdentityTimeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	l.identities = client
	l.open(t, l.path)
	t.Cleanup(func() { _ = l.bolt.Close() })
	return l
}

func (l *liveBridge) open(t *testing.T, path string) {
	t.Helper()
	bolt, err := boltstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	l.bolt, l.Store = bolt, &bridgetest.Store{Store: bolt}
	l.Service = bridge.NewService(l.Store, l.identities, l.config)
}

// restart closes the store and opens the one at path as a new process would:
// the bridge's own, or a backup.
func (l *liveBridge) restart(t *testing.T, path string) {
	t.Helper()
	if err := l.bolt.Close(); err != nil {
		t.Fatal(err)
	}
	l.open(t, path)
}

// backup copies the store as it is now and returns the path of the copy.
func (l *liveBridge) backup(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.bolt.Backup(t.Context(), file), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func (l *liveBridge) invite(t *testing.T, r bridge.InviteRequest) bridge.IssuedInvitation {
	t.Helper()
	offer, err := l.Service.Invite(t.Context(), r)
	if err != nil {
		t.Fatalf("invite %s: %v", r.Email, err)
	}
	return offer
}

func (l *liveBridge) accept(t *testing.T, offer bridge.IssuedInvitation, password string) {
	t.Helper()
	inv, err := l.tryAccept(t, offer.Token.Reveal(), password)
	if err != nil || inv.State != bridge.StateAccepted {
		t.Fatalf("accept: %s, %v", inv.State, err)
	}
}

// eachMethod runs a test for each way to accept.
func eachMethod(t *testing.T, test func(*testing.T, func(*bridge.Config))) {
	for _, method := range bridge.AcceptMethods() {
		t.Run(string(method), func(t *testing.T) {
			test(t, func(c *bridge.Config) { c.AcceptWith = []bridge.AcceptMethod{method} })
		})
	}
}

// byKratos reports whether invitees accept without a password.
func (l *liveBridge) byKratos() bool { return !l.Service.Offers(bridge.AcceptPassword) }

// tryAccept accepts by the configured method. After an acceptance without a
// password, the invitee chooses that password at Kratos.
func (l *liveBridge) tryAccept(t *testing.T, token, password string) (bridge.Invitation, error) {
	t.Helper()
	if !l.byKratos() {
		return l.Service.Accept(t.Context(), token, password)
	}
	a, err := l.Service.AcceptWith(t.Context(), token, bridge.AcceptParams{Method: bridge.AcceptKratos, Native: true})
	if err != nil {
		return a.Invitation, err
	}
	if a.Recovery == nil {
		t.Fatal("there is no recovery flow")
	}
	session := must[string](t)(l.RecoveryOf(*a.Recovery).Use(t.Context()))
	noError(t, l.SetPassword(t.Context(), session, password))
	return a.Invitation, nil
}

// emailedToken returns the token of the email to the invitee, which the bridge
// mints on sending.
func (l *liveBridge) emailedToken(t *testing.T) string {
	t.Helper()
	claimed, _, err := l.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 1, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d emails, %v", len(claimed), err)
	}
	return claimed[0].Dispatch.Payload.Data.Token
}

// countMessages counts the messages of an event for the hook or the courier.
func (l *liveBridge) countMessages(t *testing.T, endpoint string, event bridge.Event) (n int) {
	t.Helper()
	page, _, err := l.Service.Messages(t.Context(), bridge.MessageQuery{Limit: 250})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page {
		if m.Endpoint == endpoint && m.Payload.Type == event {
			n++
		}
	}
	return n
}

func (l *liveBridge) get(t *testing.T, offer bridge.IssuedInvitation) bridge.Invitation {
	t.Helper()
	inv, err := l.Service.Get(t.Context(), offer.Invitation.ID)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func (l *liveBridge) sweep(t *testing.T) bridge.SweepResult {
	t.Helper()
	swept, err := l.Service.Sweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return swept
}

// noError ends the test if a step of its setup fails.
func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must is noError for calls that return a value.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		noError(t, err)
		return v
	}
}

// offsetClock is the system clock plus an offset that tests can increase.
type offsetClock struct {
	start time.Time
	mu    sync.Mutex
	by    time.Duration
}

func (c *offsetClock) Now() time.Time { return time.Now().Add(c.moved()) }

func (c *offsetClock) Running() time.Duration { return time.Since(c.start) + c.moved() }

func (c *offsetClock) moved() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by
}

// Advance increases the offset.
func (c *offsetClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by += d
}

func freshEmail() string { return uuid.NewString() + "@example.com" }
