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
	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// TestModel runs random histories of everything that anyone can do to
// invitations and accounts, with faults everywhere and with calls during other
// calls. A model knows the owner of each account, and after every step nothing
// may be BROKEN:
//
//   - an account that was handed over is active without the new holder's password;
//   - it is inactive, and its token is refused for no reason that the model knows;
//   - a password opens it that is not its holder's;
//   - a session, a link or another credential of a former holder opens it;
//   - an account that was used is gone;
//   - the bridge writes to an account that belongs to someone.
//
// The model sees each request to Kratos, and so need not guess its outcome.
// MODEL_TIME, such as 15m, runs it for that long. rapid shrinks a failure and
// prints how to reproduce it.
func TestModel(t *testing.T) {
	testenv.SkipIfShort(t, "8 s of random operations")
	runModel(t, bridgetest.NewAt)
}

// TestModelPostgres is TestModel with stores on PostgreSQL.
func TestModelPostgres(t *testing.T) {
	testenv.SkipIfShort(t, "8 s of random operations")
	runModel(t, func(t testing.TB, o kratostest.FakeOptions, changes ...func(*bridge.Config)) *bridgetest.Harness {
		return bridgetest.NewOn(t, bridgetest.Postgres, o, changes...)
	})
}

type newHarness func(t testing.TB, o kratostest.FakeOptions, changes ...func(*bridge.Config)) *bridgetest.Harness

func runModel(t *testing.T, harness newHarness) {
	limit, long := 8*time.Second, os.Getenv("MODEL_TIME")
	if long != "" {
		var err error
		if limit, err = time.ParseDuration(long); err != nil {
			t.Fatal(err)
		}
	}
	if err := flag.Set("rapid.steps", "80"); err != nil { // most failures take several
		t.Fatal(err)
	}
	histories, steps, emitted, postponed, failed, dir := 0, 0, 0, 0, false, t.TempDir()
	for until := time.Now().Add(limit); histories == 0 || time.Now().Before(until) && !t.Failed(); {
		rapid.Check(t, func(rt *rapid.T) {
			if histories > 0 && !failed && time.Now().After(until) {
				return // a slow machine runs fewer histories
			}
			passed := false
			defer func() { failed = failed || !passed }()
			h := newHistory(scope{t, rt, dir}, harness)
			h.invite(rt) // most other steps need one
			rt.Repeat(map[string]func(*rapid.T){
				// An entry that appears twice is drawn twice as often.
				"invite": h.invite, "invite again": h.invite, "accept": h.accept, "accept again": h.accept, "accept once more": h.accept,
				"start accept": h.startAccept, "start accept again": h.startAccept, "resume accept": h.resumeAccept, "resume accept again": h.resumeAccept,
				"resend": h.resend, "renew": h.renew, "revoke": h.revoke, "sweep": h.sweep, "deliver": h.deliver, "remind": h.remind,
				"seconds pass": h.advanceShort, "seconds pass again": h.advanceShort, "hours pass": h.advanceLong, "clock": h.setClock,
				"restart": h.restart, "store": h.copyOrRestore, "register": h.register, "activate": h.activate, "deactivate": h.deactivate,
				"use": h.use, "give": h.giveCredential, "tamper": h.tamper, "late write": h.applySlowWrite,
				"": func(*rapid.T) { h.check() },
			})
			h.finish()
			passed, histories, steps = true, histories+1, steps+h.steps
			emitted, postponed = emitted+h.reminders.emitted, postponed+h.reminders.postponed
		})
	}
	t.Logf("%d histories, %d steps, %d reminders, %d postponed", histories, steps, emitted, postponed)
}

const (
	modelBudget     = 30 * time.Second
	modelLease      = 10*time.Second + modelBudget + 5*time.Second
	modelMargin     = 5 * time.Second // of the lease, for requests in flight
	modelGrace      = 2 * time.Second
	modelRetention  = 72 * time.Hour
	modelCodes      = 30 * time.Second // the lifespan of a code of Kratos
	modelUnresolved = 10 * time.Minute
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
	reminders  modelReminders

	accounts    map[uuid.UUID]*modelAccount
	invitations map[uuid.UUID]*modelInvitation
	order       []*modelInvitation
	links       []link
	late        []lateWrite
	passwords   int
	people      int // users of a provider

	trouble    trouble            // of the current call
	agreed     map[uuid.UUID]bool // invitations that the hook has agreed to
	waiting    func()             // in the hook
	revivals   int                // that hooks have agreed to, in the current call
	endTrouble func()
	ahead      time.Duration // that the wall clock was set forward in total
	back       time.Duration // and back
	clockSet   bool
	steps      int
}

// node is a bridge and what the model knows of it alone.
type node struct {
	name    int
	w       *bridgetest.Harness
	store   *lossy
	pending *pendingAccept
	outbox  *modelOutbox
	sent    []bridge.FinishedMessage // not recorded yet
	backup  *backup
	// reminded is how its invitations were stored after the last call.
	reminded map[uuid.UUID]bridge.Invitation
	// restored is set once its store was restored.
	restored bool
}

func newHistory(s scope, harness newHarness) *history {
	h := &history{T: s.history, scope: s, accounts: map[uuid.UUID]*modelAccount{}, invitations: map[uuid.UUID]*modelInvitation{}, agreed: map[uuid.UUID]bool{}}
	h.unaccepted = rapid.SampledFrom([]bridge.Unaccepted{bridge.DeleteAtPurge, bridge.DeleteAtExpiry, bridge.KeepUnaccepted}).Draw(s.history, "unaccepted")
	h.renewing = rapid.IntRange(0, 3).Draw(s.history, "renew") > 0
	outbox := &modelOutbox{idle: rapid.Bool().Draw(s.history, "idle outbox")}
	first := harness(s, kratostest.FakeOptions{Schemas: kratostest.CompanySchemas()}, func(c *bridge.Config) {
		c.IdentityTimeout, c.Retention, c.CodeLifespan = modelBudget, modelRetention, modelCodes
		c.Unaccepted, c.Renew, c.Hooks, c.Outbox = h.unaccepted, h.renewing, h, outbox
		c.AcceptWith = bridge.AcceptMethods()
		h.configureReminders(s.history, c)
	})
	h.kratos, h.clock = first.Kratos, first.Clock
	h.addBridge(first, outbox)
	if rapid.IntRange(0, 2).Draw(s.history, "bridges") == 0 {
		outbox := &modelOutbox{idle: !outbox.idle}
		h.addBridge(first.Beside(s, func(c *bridge.Config) { c.Outbox = outbox }), outbox)
	}
	return h
}

// addBridge adds a bridge that has read the schemas: how it handles one that it
// cannot read is not modeled.
func (h *history) addBridge(w *bridgetest.Harness, outbox *modelOutbox) {
	for _, email := range modelEmails {
		schema, _ := schemaAndTraits(email)
		if _, err := w.Identities().EmailTrait(h.Context(), schema); err != nil {
			h.Fatal(err)
		}
		if _, err := w.Identities().PasswordTraits(h.Context(), schema); err != nil {
			h.Fatal(err)
		}
	}
	n := &node{name: len(h.bridges), w: w, outbox: outbox}
	n.wrapStore()
	h.bridges = append(h.bridges, n)
}

// wrapStore puts a lossy store around the one that was opened.
func (n *node) wrapStore() {
	n.store = &lossy{Store: n.w.Store.Store}
	n.w.Store.Store = n.store
}

func (h *history) drawNode(t *rapid.T) *node {
	return h.bridges[rapid.IntRange(0, len(h.bridges)-1).Draw(t, "bridge")]
}

func (h *history) now() time.Time { return h.clock.Now() }

// step logs what happened, for readers of a failed history.
func (h *history) step(format string, args ...any) {
	h.steps++
	h.Logf(format, args...)
}

func (h *history) broken(format string, args ...any) {
	h.Fatalf("BROKEN: %s", fmt.Sprintf(format, args...))
}

// scope ends a harness with its history, not with the test.
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
