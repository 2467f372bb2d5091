package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
)

const (
	historyClients = 4
	historySteps   = 10 // of each client
	checkTimeout   = time.Minute
)

// histories lets clients send requests about one address to different replicas, one
// of which is killed now and then, and checks that the replies are those of some order
// of the requests, one at a time.
func histories(ctx context.Context, o options) error {
	f, _, stop, err := startFleet(ctx, o)
	if err != nil {
		return err
	}
	defer stop()
	t, remove, err := newReplicaTrial(ctx, scenario{cooldown: day}, f, 0, nil)
	if err != nil {
		return err
	}
	defer remove()
	for i, ahead := range o.clocks {
		t.bridges.(*replicas).all[i%o.replicas].ahead = ahead
	}
	if err := t.bridges.start(ctx); err != nil {
		return err
	}
	killing, end := context.WithCancel(ctx)
	var killer sync.WaitGroup
	kills := 0
	var killed error
	killer.Go(func() { kills, killed = t.killNowAndThen(killing) })
	var mu sync.Mutex
	replies := make(map[string]int)
	steps, broken := 0, 0
	var trials []func() error
	for range o.rounds {
		trials = append(trials, func() error {
			h := &history{trial: t, email: uuid.NewString() + "@example.com", begin: time.Now()}
			h.run(ctx)
			verdict, err := h.check(ctx)
			mu.Lock()
			defer mu.Unlock()
			steps += len(h.steps)
			for _, s := range h.steps {
				replies[s.Input.(step).verb+" "+s.Output.(reply).text]++
			}
			if verdict != porcupine.Ok || err != nil {
				broken++
				fmt.Fprintf(o.out, "a history is %s, %v:\n%s", verdict, err, h)
			}
			return ctx.Err()
		})
	}
	err = together(trials, o.parallel)
	end()
	killer.Wait()
	fmt.Fprintf(o.out, "%d histories of %d requests at %d replicas, %d of which were killed: %d broken or not linearizable\n%s\n",
		o.rounds, steps, o.replicas, kills, broken, counts(replies))
	if broken > 0 {
		err = errors.Join(err, errBroken)
	}
	return errors.Join(err, killed, t.env.checkClocks(o.clocks))
}

// killNowAndThen kills a replica at random and starts it again, until ctx ends.
func (t *trial) killNowAndThen(ctx context.Context) (kills int, err error) {
	all := t.bridges.(*replicas).all
	for pause(ctx, randomly(2*time.Second, 4*time.Second)) == nil {
		all[rand.IntN(len(all))].kill()
		kills++
		if err := t.bridges.start(context.WithoutCancel(ctx)); err != nil {
			return kills, err
		}
	}
	return kills, nil
}

// history is what clients did to an address, and what they saw.
type history struct {
	trial *trial
	email string
	begin time.Time

	mu     sync.Mutex
	known  []invited
	steps  []porcupine.Operation
	winner string      // the password that got 200
	ends   []time.Time // of the invitations, as replies showed them
}

// invited is what a client learns from a reply.
type invited struct{ id, token string }

func (h *history) run(ctx context.Context) {
	var running sync.WaitGroup
	for n := range historyClients {
		running.Go(func() {
			ctx := asClient(ctx, fmt.Sprint(h.email, n))
			for range historySteps {
				h.act(ctx, n)
			}
		})
	}
	running.Wait()
}

// act sends one request of a random kind.
func (h *history) act(ctx context.Context, n int) {
	about, ok := h.pick()
	in := step{verb: "invite"}
	method, socket, path := http.MethodPost, h.trial.admin, "/"
	body := map[string]any{"email": h.email}
	switch dice := rand.IntN(100); {
	case !ok || dice < 20:
	case dice < 60:
		in.verb, method, socket, path, body = "look", http.MethodGet, h.trial.public, "/"+about.token, nil
	case dice < 68:
		in.verb, socket, path, body = "accept", h.trial.public, "/"+about.token, map[string]any{"password": "Pass-" + uuid.NewString()}
	case dice < 78:
		in.verb, path, body = "revoke", "/"+about.id+"/revoke", nil
	default:
		in.verb, path, body = "resend", "/"+about.id+"/resend", nil
	}
	if in.verb != "invite" {
		in.invitation = about.id
	}
	called := time.Since(h.begin)
	var payload any
	if body != nil {
		payload = body
	}
	a, err := call(ctx, method, socket, path, payload)
	out, returned := reply{text: strings.TrimSpace(fmt.Sprint(a.status, " ", a.Error.ID))}, time.Since(h.begin)
	if err != nil || a.status >= http.StatusInternalServerError {
		out.text, returned = lost, math.MaxInt64 // it may take effect at any time
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !a.ExpiresAt.IsZero() {
		h.ends = append(h.ends, a.ExpiresAt)
	}
	if a.status == http.StatusOK && in.verb == "accept" {
		h.winner = body["password"].(string)
	}
	if a.Token != "" {
		id := in.invitation
		if in.verb == "invite" {
			id, out.invitation = a.ID.String(), a.ID.String()
		}
		h.known = append(h.known, invited{id, a.Token})
	}
	if in.verb == "revoke" { // it has two effects
		h.add(n, step{"request revocation", in.invitation}, reply{}, called, returned)
	}
	h.add(n, in, out, called, returned)
}

// add records a request. The caller must hold the lock.
func (h *history) add(n int, in step, out reply, called, returned time.Duration) {
	h.steps = append(h.steps, porcupine.Operation{ClientId: n, Input: in, Call: int64(called), Output: out, Return: int64(returned)})
}

// pick returns one of the latest tokens, or now and then an older one.
func (h *history) pick() (invited, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.known)
	if n == 0 {
		return invited{}, false
	}
	return h.known[max(rand.IntN(n), n-1-rand.IntN(3))], true
}

func (h *history) check(ctx context.Context) (porcupine.CheckResult, error) {
	var err error
	if h.winner != "" {
		err = h.trial.kratos.SignIn(ctx, h.email, h.winner)
	}
	return porcupine.CheckOperationsTimeout(addressModel(), h.steps, checkTimeout), errors.Join(err, h.checkTimes())
}

// String returns the history, for a person who looks for the fault.
func (h *history) String() string {
	var text strings.Builder
	for _, s := range h.steps {
		end := time.Duration(s.Return).Round(time.Microsecond).String()
		if s.Return == math.MaxInt64 {
			end = "?"
		}
		fmt.Fprintf(&text, "  %d  %v to %s  %+v  %+v\n", s.ClientId, time.Duration(s.Call).Round(time.Microsecond), end, s.Input, s.Output)
	}
	return text.String()
}
