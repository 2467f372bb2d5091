package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// TestKill9 kills a real process at random moments under load and restarts it:
// everything that was answered with 2xx is stored and works.
func TestKill9(t *testing.T) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	p := newProcess(t, kratos.URL, "")
	acknowledged := &ledger{}
	for round := range 3 {
		p.start(t)
		ctx, cancel := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for c := range 50 {
			clients.Go(func() { p.load(ctx, fmt.Sprintf("r%dc%d", round, c), acknowledged) })
		}
		acknowledged.await(t, (round+1)*200)
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond) // kill at a random moment
		p.kill(t)
		cancel()
		clients.Wait()
	}
	p.start(t)
	count := map[string]int{}
	for id, e := range acknowledged.entries {
		count[e.state]++
		p.confirm(t, kratos, id, e)
	}
	t.Logf("%d invitations were acknowledged, and none was lost: %v", len(acknowledged.entries), count)
	for _, state := range []string{"pending", "accepted"} {
		if count[state] == 0 {
			t.Errorf("none was acknowledged as %s: the test proves nothing", state)
		}
	}
	p.kill(t)
}

// confirm checks that an invitation has the acknowledged state and works.
func (p *process) confirm(t *testing.T, kratos *kratostest.Fake, id string, e entry) {
	t.Helper()
	a := p.send(t, http.MethodGet, p.admin+base+"/"+id, nil)
	state, _ := a.body["state"].(string)
	known := state == e.state || e.state == "accepting" && (state == "pending" || state == "accepted")
	if a.status != http.StatusOK || !known {
		t.Fatalf("acknowledged as %s, now %d %s", e.state, a.status, a.text)
	}
	link := p.send(t, http.MethodGet, p.public+base+"/"+e.token, nil)
	opens := link.status == http.StatusOK
	if e.state == "accepting" { // it may have been reconciled as accepted since the kill
		opens = opens || link.errorID() == "invitation_accepted"
	}
	switch err := kratos.SignIn(t.Context(), e.email, passwordOf(e.email)); {
	case state == "pending" && !opens:
		t.Errorf("%s is %s, and its token: %d %s", id, state, link.status, link.text)
	case state == "accepted" && (err != nil || link.errorID() != "invitation_accepted"):
		t.Errorf("%s is %s, and its password: %v, its token: %d %s", id, state, err, link.status, link.text)
	case e.state == "pending" && err == nil:
		t.Errorf("%s was never accepted, but its password works", id)
	}
}

// passwordOf returns a different password for each address.
func passwordOf(email string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(email)))[:20] }

// entry is an invitation that was answered with 2xx. Its state is pending,
// accepted, or accepting: the acceptance was sent but not answered.
type entry struct{ state, email, token string }

// ledger records the invitations that were answered with 2xx, by id.
type ledger struct {
	mu      sync.Mutex
	entries map[string]entry
}

func (l *ledger) note(id string, e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries == nil {
		l.entries = make(map[string]entry)
	}
	l.entries[id] = e
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

func (l *ledger) await(t *testing.T, n int) {
	t.Helper()
	testenv.Eventually(t, fmt.Sprintf("%d invitations are acknowledged", n), func() bool { return l.len() >= n })
}

// load creates invitations until the process is killed, and accepts two of three.
func (p *process) load(ctx context.Context, name string, l *ledger) {
	for i := 0; ctx.Err() == nil; i++ {
		email := fmt.Sprintf("%s.%d@example.com", name, i)
		a, err := send(ctx, http.MethodPost, p.admin+base+"/", object{"email": email}, "Authorization", "Bearer "+key)
		if err != nil || a.status != http.StatusCreated {
			return
		}
		id, e := a.body["id"].(string), entry{"pending", email, token(a.body)}
		if i%3 == 0 {
			l.note(id, e)
			continue
		}
		e.state = "accepting"
		l.note(id, e)
		b, err := send(ctx, http.MethodPost, p.public+base+"/"+e.token, object{"password": passwordOf(email)})
		if err != nil || b.status != http.StatusOK {
			return
		}
		e.state = "accepted"
		l.note(id, e)
	}
}
