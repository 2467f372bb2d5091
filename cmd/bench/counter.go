package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// counter counts in a helper what arrives there. It serves the helper's methods.
type counter struct {
	mu       sync.Mutex
	more     *sync.Cond
	n        int
	tokens   []string
	refusing bool
}

func newCounter() *counter {
	c := &counter{}
	c.more = sync.NewCond(&c.mu)
	return c
}

// add counts one arrival, with its invitation token, if any.
func (c *counter) add(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if token != "" {
		c.tokens = append(c.tokens, token)
	}
	c.more.Broadcast()
}

// refuses reports whether a receiver shall answer that it wants nothing more.
func (c *counter) refuses() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusing
}

// answerWithin bounds how long a helper waits for more before it answers.
const answerWithin = 10 * time.Second

// ServeHTTP serves the control address.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.URL.Path {
	case "/arrived":
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		defer context.AfterFunc(ctx, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.more.Broadcast()
		})()
		for c.n < n && ctx.Err() == nil {
			c.more.Wait()
		}
		fmt.Fprint(w, c.n)
	case "/refuse":
		c.refusing = r.URL.Query().Get("on") == "true"
	case "/tokens":
		fmt.Fprint(w, strings.Join(c.tokens, "\n"))
		c.tokens = nil
	default:
		http.NotFound(w, r)
	}
}
