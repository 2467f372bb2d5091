package mail

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// maxIdle is how long a connection is kept without an email. Emails come in
	// bursts: a connection is worth keeping for the next one of the burst, and no
	// longer, since it takes one of the places that a server has. Servers wait for
	// minutes, and for 10 seconds when they are overloaded (Postfix: smtpd_timeout),
	// so it is the bridge that closes.
	maxIdle = 5 * time.Second
	// maxEmails bounds the emails on one connection: relays document limits from 50
	// on, and a server behind a load balancer is chosen when one connects. With 50,
	// the handshakes that are left cost 2 % of what they did.
	maxEmails = 50
)

// pool keeps connections between emails, never more than there were emails at
// once. It is safe for concurrent use.
type pool struct {
	maxIdle time.Duration

	mu      sync.Mutex
	idle    []*connection // the one that was used last is at the end
	timer   *time.Timer   // nil: it is not running
	closed  bool
	closing sync.WaitGroup // of expired connections
}

// deliver sends one email, on a kept connection if there is one. On an error it
// returns the stage that failed.
func (p *pool) deliver(ctx context.Context, s server, from, to string, message []byte) (stage, error) {
	if c := p.take(); c != nil {
		at, err := c.send(ctx, from, to, message)
		if err == nil || ctx.Err() != nil || !mayBeTheConnection(at, err) {
			p.put(c)
			return at, err
		}
		c.quit()
	}
	c, at, err := s.connect(ctx)
	if err != nil {
		return at, err
	}
	at, err = c.send(ctx, from, to, message)
	p.put(c)
	return at, err
}

// mayBeTheConnection reports whether an email that failed on a kept connection may
// succeed on a new one, and cannot have been accepted. A server may close a
// connection at any time between emails. If it refuses MAIL, the cause may be the
// age of the connection or the number of its emails.
func mayBeTheConnection(at stage, err error) bool {
	switch at {
	case stageMail:
		return true
	case stageRcpt, stageData, stageContent:
		return endsConnection(err)
	default:
		return false
	}
}

// take returns an idle connection, which is the caller's until put; nil: there is
// none.
func (p *pool) take() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

// put keeps a connection for the next email, or closes it.
func (p *pool) put(c *connection) {
	if !c.reusable() || !p.keep(c) {
		c.quit()
	}
}

func (p *pool) keep(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
	if p.timer == nil {
		p.timer = time.AfterFunc(p.maxIdle, p.expire)
	}
	return true
}

// expire closes the connections that have been idle for maxIdle, and restarts the
// timer for those that have not.
func (p *pool) expire() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	expired := 0
	for expired < len(p.idle) && time.Since(p.idle[expired].idleSince) >= p.maxIdle {
		expired++
	}
	old, rest := p.idle[:expired:expired], p.idle[expired:]
	p.idle, p.timer = slices.Clone(rest), nil
	if len(rest) > 0 {
		p.timer = time.AfterFunc(p.maxIdle-time.Since(rest[0].idleSince), p.expire)
	}
	p.closing.Add(1)
	p.mu.Unlock()
	defer p.closing.Done()
	quit(old)
}

// close closes the idle connections, and lets no further one be kept. It returns
// when they are closed, at the latest after quitTimeout.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	quit(idle)
	p.closing.Wait()
}

// quit closes connections at the same time: each may take quitTimeout.
func quit(connections []*connection) {
	var group sync.WaitGroup
	for _, c := range connections {
		group.Go(c.quit)
	}
	group.Wait()
}
