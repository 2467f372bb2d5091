package bridge_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestModel has random histories of all that can be done to invitations and
// accounts, by anybody, with faults in every place and verbs inside of others. A
// model knows whose each account is, and after every step nothing may be BROKEN:
//
//   - an account that was handed over is active without the new holder's password;
//   - it is inactive, and its token is refused for no reason that the model knows;
//   - a password opens it that is not its holder's;
//   - a session, a link or another credential of a former holder opens it;
//   - an account that was used is gone;
//   - the bridge writes to an account that is somebody's.
//
// The model sees each request to Kratos, and so needs no guess of what became of
// it. MODEL_TIME, such as 15m, runs it for that long. A failure is made small by
// rapid, which says how to see it again.
func TestModel(t *testing.T) {
	limit, long := 8*time.Second, os.Getenv("MODEL_TIME")
	if long != "" {
		var err error
		if limit, err = time.ParseDuration(long); err != nil {
			t.Fatal(err)
		}
	}
	if err := flag.Set("rapid.steps", "80"); err != nil { // most of what can break takes several
		t.Fatal(err)
	}
	histories, steps, failed, dir := 0, 0, false, t.TempDir()
	for until := time.Now().Add(limit); histories == 0 || time.Now().Before(until) && !t.Failed(); {
		rapid.Check(t, func(rt *rapid.T) {
			if histories > 0 && !failed && time.Now().After(until) {
				return // a slow machine has fewer of them
			}
			sound := false
			defer func() { failed = failed || !sound }()
			h := newHistory(scope{t, rt, dir})
			h.invite(rt) // most of the rest needs one
			rt.Repeat(map[string]func(*rapid.T){
				// What is there twice is done twice as often.
				"invite": h.invite, "invite again": h.invite, "accept": h.accept, "accept again": h.accept, "accept once more": h.accept,
				"take off": h.takeOff, "take off again": h.takeOff, "land": h.land, "land again": h.land,
				"resend": h.resend, "renew": h.renew, "revoke": h.revoke, "sweep": h.sweep, "deliver": h.deliver,
				"moments pass": h.moments, "moments pass again": h.moments, "time passes": h.pass, "clock": h.setClock,
				"restart": h.restart, "store": h.copyOrRestore, "register": h.register, "activate": h.activate, "deactivate": h.deactivate,
				"use": h.use, "give": h.give, "tamper": h.tamper, "late": h.arriveOverdue,
				"": func(*rapid.T) { h.check() },
			})
			h.finish()
			sound, histories, steps = true, histories+1, steps+h.steps
		})
	}
	t.Logf("%d histories, %d steps", histories, steps)
}

const (
	modelBudget    = 30 * time.Second
	modelLease     = 10*time.Second + modelBudget + 5*time.Second
	modelMargin    = 5 * time.Second // of the lease, for requests on their way
	modelSettle    = 2 * time.Second
	modelRetention = 72 * time.Hour
	modelCodes     = 30 * time.Second // the lifespan of a code of Kratos
	modelDoubt     = 10 * time.Minute
)

// history is one Kratos, the bridges on it, and the model of them.
type history struct {
	*rapid.T
	scope      scope
	kratos     *bridgetest.Kratos
	clock      *bridgetest.Clock
	bridges    []*node
	unaccepted bridge.Unaccepted
	renewing   bool

	accounts  map[uuid.UUID]*truth
	lives     map[uuid.UUID]*life
	order     []*life
	links     []link
	late      []lateWrite
	passwords int
	people    int // who sign in at a provider

	trouble  trouble // of the present verb
	asked    map[uuid.UUID]bool
	waiting  func() // in the hook
	revivals int    // that hooks have consented to, in the present verb
	over     func()
	ahead    time.Duration // by which the wall clock was set forward, in all
	back     time.Duration // and back
	clockSet bool
	steps    int
}

// node is a bridge, and what only it knows.
type node struct {
	name   int
	w      *bridgetest.World
	store  *lossy
	flight *flight
	backup *backup
	// restored says that its store was once put back.
	restored bool
}

func newHistory(s scope) *history {
	h := &history{T: s.history, scope: s, accounts: map[uuid.UUID]*truth{}, lives: map[uuid.UUID]*life{}, asked: map[uuid.UUID]bool{}}
	h.unaccepted = rapid.SampledFrom([]bridge.Unaccepted{bridge.DeleteAtPurge, bridge.DeleteAtExpiry, bridge.KeepUnaccepted}).Draw(s.history, "unaccepted")
	h.renewing = rapid.IntRange(0, 3).Draw(s.history, "renew") > 0
	first := bridgetest.NewAt(s, kratostest.FakeOptions{Schemas: kratostest.CompanySchemas()}, func(c *bridge.Config) {
		c.IdentityBudget, c.Retention, c.CodeLifespan = modelBudget, modelRetention, modelCodes
		c.Unaccepted, c.Renew, c.Hooks = h.unaccepted, h.renewing, h
	})
	h.kratos, h.clock = first.Kratos, first.Clock
	h.join(first)
	if rapid.IntRange(0, 2).Draw(s.history, "bridges") == 0 {
		h.join(first.Beside(s))
	}
	return h
}

// join adds a bridge, which knows the schemas: what it makes of one that it cannot
// read is not for the model.
func (h *history) join(w *bridgetest.World) {
	for _, email := range modelEmails {
		schema, _ := described(email)
		if _, err := w.Identities().EmailTrait(h.Context(), schema); err != nil {
			h.Fatal(err)
		}
		if _, err := w.Identities().PasswordTraits(h.Context(), schema); err != nil {
			h.Fatal(err)
		}
	}
	n := &node{name: len(h.bridges), w: w}
	n.reopened()
	h.bridges = append(h.bridges, n)
}

// reopened puts the lossy store around the one that was opened.
func (n *node) reopened() {
	n.store = &lossy{Store: n.w.Store.Store}
	n.w.Store.Store = n.store
}

func (h *history) drawNode(t *rapid.T) *node {
	return h.bridges[rapid.IntRange(0, len(h.bridges)-1).Draw(t, "bridge")]
}

func (h *history) now() time.Time { return h.clock.Now() }

// step notes what happened, for anybody who reads a history that failed.
func (h *history) step(format string, args ...any) {
	h.steps++
	h.Logf(format, args...)
}

func (h *history) broken(format string, args ...any) {
	h.Fatalf("BROKEN: %s", fmt.Sprintf(format, args...))
}

// scope has a world end with its history, not with the test.
type scope struct {
	testing.TB
	history *rapid.T
	dir     string
}

func (s scope) Helper()          {}
func (s scope) Cleanup(f func()) { s.history.Cleanup(f) }
func (s scope) Error(a ...any)   { s.history.Error(a...) }
func (s scope) Fatal(a ...any)   { s.history.Fatal(a...) }

func (s scope) TempDir() string {
	dir, err := os.MkdirTemp(s.dir, "")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
