package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// lossy is a store that loses some commits: their functions run, and fail.
type lossy struct {
	bridge.Store
	mu    sync.Mutex
	loses func(nth int) bool
	nth   int
	gate  func() // before each update
}

func (s *lossy) begin(loses func(int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loses, s.nth = loses, 0
}

func (s *lossy) guard(gate func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
}

func (s *lossy) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		gate()
	}
	counted := false // for fn may run more than once
	return s.Store.Update(ctx, func(tx bridge.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !counted {
			s.nth++
		}
		if counted = true; s.loses != nil && s.loses(s.nth) {
			return errors.New("input/output error")
		}
		return nil
	})
}

// lateWrite is a PUT that was given up, and is on its way still.
type lateWrite struct {
	life     *life
	password string
	at       time.Time
	overdue  bool // it has not arrived within modelSettle
}

// arrive has late writes take effect: within the moments that the bridge waits
// before anybody may take over, or long after, when the claim was settled by
// looking and nobody has asked Kratos again since.
func (h *history) arrive(punctual bool) {
	h.late = slices.DeleteFunc(h.late, func(w lateWrite) bool {
		l, a := w.life, h.accounts[w.life.identity]
		if a == nil || w.overdue && (a.active || l.state != bridge.StatePending) {
			return true // it finds nothing, or would find what the bridge cannot know of
		}
		if w.overdue == punctual || w.overdue && (l.claim != nil || !l.doubt) {
			return false
		}
		h.step("a PUT arrives late, overdue: %v", w.overdue)
		h.lands(w)
		a.write(l.id, w.password)
		return true
	})
}

func (h *history) lands(w lateWrite) {
	body, err := json.Marshal(map[string]any{
		"schema_id": kratostest.DefaultSchema, "state": "active", "traits": map[string]string{"email": w.life.email},
		"metadata_admin": map[string]any{bridge.MarkKey: map[string]any{"id": w.life.id, "accepted_at": w.at}},
		"credentials":    map[string]any{"password": map[string]any{"config": map[string]string{"password": w.password}}},
	})
	if err == nil {
		err = h.w.Kratos.Replace(h.Context(), w.life.identity, string(body))
	}
	if err != nil {
		h.Fatal(err)
	}
}

// write is what a PUT makes of an account.
func (a *account) write(by uuid.UUID, password string) {
	a.active, a.by, a.stopped, a.password = true, by, false, password
}
