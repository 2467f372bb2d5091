package bridge_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestModel has random histories of all that can be done to invitations, by
// whomever, with faults in every place and verbs inside of others, and holds
// each answer and each state against a model of the lifecycle.
//
// MODEL_TIME, such as 15m, runs it for that long. A failure is made small by
// rapid, which says how to see it again.
func TestModel(t *testing.T) {
	limit, long := 8*time.Second, os.Getenv("MODEL_TIME")
	if long != "" {
		var err error
		if limit, err = time.ParseDuration(long); err != nil {
			t.Fatal(err)
		}
	}
	histories, steps, failed, dir := 0, 0, false, t.TempDir()
	for until := time.Now().Add(limit); histories == 0 || long != "" && time.Now().Before(until); {
		rapid.Check(t, func(rt *rapid.T) {
			if histories > 0 && !failed && time.Now().After(until) {
				return // a slow machine has fewer of them
			}
			sound := false
			defer func() { failed = failed || !sound }()
			h := newHistory(scope{t, rt, dir})
			h.invite(rt) // most of the rest needs one
			rt.Repeat(map[string]func(*rapid.T){
				"invite": h.invite, "accept": h.accept, "accept again": h.accept, "take off": h.takeOff, "land": h.land,
				"resend": h.resend, "renew": h.renew, "revoke": h.revoke, "expire": h.expire, "sweep": h.sweep,
				"pass": h.pass, "pass again": h.pass, "restart": h.restart, "deliver": h.deliver, "lapse": h.lapse, "remove": h.remove,
				"activate": h.activate, "deactivate": h.deactivate, "regret": h.regret,
				"": func(*rapid.T) { h.check() },
			})
			h.finish()
			sound, histories, steps = true, histories+1, steps+h.steps
		})
	}
	t.Logf("%d histories, %d steps", histories, steps)
}

// history is one world, and the model of it.
type history struct {
	*rapid.T
	scope    scope
	w        *bridgetest.World
	store    *lossy
	deleting bool // unaccepted identities

	lives     map[uuid.UUID]*life
	order     []uuid.UUID // of their making
	accounts  map[uuid.UUID]*account
	links     []link
	passwords int
	flight    *flight
	late      []lateWrite

	trouble trouble // of the present verb
	commits int     // that it has made in the model
	over    func()
	steps   int
}

func newHistory(s scope) *history {
	h := &history{T: s.history, scope: s, lives: map[uuid.UUID]*life{}, accounts: map[uuid.UUID]*account{}}
	h.deleting = rapid.Bool().Draw(s.history, "identities are deleted")
	h.w = bridgetest.New(s, func(c *bridge.Config) {
		c.IdentityBudget, c.Cooldown, c.Retention, c.DeleteUnaccepted = modelBudget, modelCooldown, modelRetention, h.deleting
		c.Hooks = h
	})
	h.store = &lossy{Store: h.w.Store.Store}
	h.w.Store.Store = h.store
	return h
}

func (h *history) now() time.Time { return h.w.Clock.Now() }

// step notes what happened, for whoever reads a history that failed.
func (h *history) step(format string, args ...any) {
	h.steps++
	h.Logf(format, args...)
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
