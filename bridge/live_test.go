package bridge_test

import (
	"context"
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
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// live is a bridge over a real Kratos: the rules, a bolt store of its own and the
// client. Its clock is the system's, and can be moved on.
type live struct {
	*kratostest.Server
	Service *bridge.Service
	Store   *bridgetest.Store
	Clock   *movedClock

	path       string
	bolt       *boltstore.Store
	identities bridge.Identities
	config     bridge.Config
}

// newLive makes a bridge over a Kratos that others may use too.
func newLive(t *testing.T, s *kratostest.Server, changes ...func(*bridge.Config)) *live {
	t.Helper()
	l := &live{Server: s, Clock: &movedClock{start: time.Now()}, path: filepath.Join(t.TempDir(), "invites.db")}
	l.config = bridge.Config{
		SchemaID: kratostest.MemberSchema, ToASCII: idna.Lookup.ToASCII,
		LinkURL:  "https://join.example.com/invite/{token}",
		Lifespan: 24 * time.Hour, MaxLifespan: 720 * time.Hour, Cooldown: time.Minute, Retention: 720 * time.Hour,
		IdentityBudget: 30 * time.Second,
		Passwords:      bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true},
		Renew:          true,
		CodeLifespan:   time.Hour,
		Unaccepted:     bridge.DeleteAtPurge,
		Now:            l.Clock.Now,
		Running:        l.Clock.Running,
		Endpoints:      bridgetest.Endpoints,
	}
	for _, change := range changes {
		change(&l.config)
	}
	client, err := kratos.New(kratos.Config{AdminURL: s.AdminURL, PublicURL: s.PublicURL, Timeout: l.config.IdentityBudget})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	l.identities = client
	l.open(t, l.path)
	t.Cleanup(func() { _ = l.bolt.Close() })
	return l
}

func (l *live) open(t *testing.T, path string) {
	t.Helper()
	bolt, err := boltstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	l.bolt, l.Store = bolt, &bridgetest.Store{Store: bolt}
	l.Service = bridge.NewService(l.Store, l.identities, l.config)
}

// restart ends the process and begins another, with the store at path: its own,
// or a backup.
func (l *live) restart(t *testing.T, path string) {
	t.Helper()
	if err := l.bolt.Close(); err != nil {
		t.Fatal(err)
	}
	l.open(t, path)
}

// backup copies the store as it is now, and gives the path.
func (l *live) backup(t *testing.T) string {
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

func (l *live) invite(t *testing.T, r bridge.InviteRequest) bridge.Offer {
	t.Helper()
	offer, err := l.Service.Invite(t.Context(), r)
	if err != nil {
		t.Fatalf("invite %s: %v", r.Email, err)
	}
	return offer
}

func (l *live) accept(t *testing.T, offer bridge.Offer, password string) {
	t.Helper()
	inv, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	if err != nil || inv.State != bridge.StateAccepted {
		t.Fatalf("accept: %s, %v", inv.State, err)
	}
}

// emailed gives the token that an invitee gets by email, which the bridge mints
// when it sends.
func (l *live) emailed(t *testing.T) string {
	t.Helper()
	claimed, _, err := l.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 1, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d emails, %v", len(claimed), err)
	}
	return claimed[0].Dispatch.Payload.Data.Token
}

// told counts the messages of an event for the hook or the courier.
func (l *live) told(t *testing.T, endpoint string, event bridge.Event) (n int) {
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

func (l *live) get(t *testing.T, offer bridge.Offer) bridge.Invitation {
	t.Helper()
	inv, err := l.Service.Get(t.Context(), offer.Invitation.ID)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func (l *live) sweep(t *testing.T) bridge.Swept {
	t.Helper()
	swept, err := l.Service.Sweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return swept
}

// do ends the test where an administrator or a visitor fails.
func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must is do for what gives something.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		do(t, err)
		return v
	}
}

// movedClock is the system's clock, which runs, and can be moved on.
type movedClock struct {
	start time.Time
	mu    sync.Mutex
	by    time.Duration
}

func (c *movedClock) Now() time.Time         { return time.Now().Add(c.moved()) }
func (c *movedClock) Running() time.Duration { return time.Since(c.start) + c.moved() }

func (c *movedClock) moved() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by
}

// Advance moves it on.
func (c *movedClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by += d
}

func freshEmail() string { return uuid.NewString() + "@example.com" }

// holder is somebody with an active account and everything set up.
type holder struct {
	email, password string
	id              uuid.UUID
	session         string
	totp            func() string
	codes           []string
	person          kratostest.Person
}

const formers = "former-Horse-8-battery" // the password of whoever had the account before

// newHolder makes an active account by the admin API, as an import does, and has
// its holder set up the rest.
func (l *live) newHolder(t *testing.T) holder {
	t.Helper()
	h := holder{email: freshEmail(), password: formers}
	h.id = must[uuid.UUID](t)(l.Create(t.Context(), inactive(h.email)))
	return l.settleIn(t, h)
}

// settleIn has an administrator activate the account of h, and its holder use it.
func (l *live) settleIn(t *testing.T, h holder) holder {
	t.Helper()
	ctx := t.Context()
	h.password = formers
	do(t, l.Activate(ctx, h.id, h.password))
	h.person = kratostest.Person{Subject: h.email, Email: h.email} // their provider vouches for the address still
	do(t, l.LinkSocial(ctx, h.email, h.password, h.person))
	h.session = must[string](t)(l.Login(ctx, h.email, h.password))
	h.totp = must[func() string](t)(l.SetTOTP(ctx, h.session))
	h.codes = must[[]string](t)(l.SetLookupSecrets(ctx, h.session))
	return h
}

// inactive is an identity as an administrator makes it who has people invited.
func inactive(email string) string {
	return `{"schema_id":"member","state":"inactive","traits":{"email":"` + email + `"}}`
}

func (h holder) request() bridge.InviteRequest { return bridge.InviteRequest{Email: h.email} }

func (h holder) again() bridge.InviteRequest {
	return bridge.InviteRequest{Email: h.email, Reactivate: true}
}

// way is how somebody tries to get into an account. It gives a session token.
type way func(context.Context) (session string, err error)

// ways are those of a holder: what they know, and what they are signed in to.
func (l *live) ways(h holder) map[string]way {
	return map[string]way{
		"password": func(ctx context.Context) (string, error) { return l.Login(ctx, h.email, h.password) },
		"social":   func(ctx context.Context) (string, error) { return l.LoginSocial(ctx, h.person) },
		"session":  func(context.Context) (string, error) { return h.session, nil },
	}
}

// mailed has Kratos send every code that there is to the address of h.
func (l *live) mailed(t *testing.T, h holder, when string) map[string]way {
	t.Helper()
	ctx := t.Context()
	code := must[*kratostest.Mailed](t)
	ways := map[string]way{
		"recovery code " + when: code(l.MailRecovery(ctx, h.email)).Use,
		"login code " + when:    code(l.MailLogin(ctx, h.email)).Use,
		"admin code " + when:    code(l.AdminRecoveryCode(ctx, h.id)).Use,
	}
	link := must[string](t)(l.AdminRecoveryLink(ctx, h.id))
	ways["admin link "+when] = func(ctx context.Context) (string, error) {
		err := l.FollowRecoveryLink(ctx, link)
		if err == nil || errors.Is(err, kratostest.ErrSecondFactor) {
			return "", errInByLink
		}
		return "", err
	}
	return ways
}

// errInByLink says that somebody is in, though with no token to show.
var errInByLink = errors.New("signed in by a link")
