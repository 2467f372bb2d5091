// Command mailcatcher replaces Mailpit in tests where its image is unavailable. It
// accepts every email on port 1025, keeps it in memory, and serves it on port 8025
// as JSON, by the two calls of Mailpit's API that list emails and read one.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"net/mail"
	"strconv"
	"sync"
	"time"

	"invitebridge/bridge/mail/mailtest"
)

func main() {
	l, err := net.Listen("tcp", ":1025")
	if err != nil {
		log.Fatal(err)
	}
	box := mailtest.Open(l)
	defer box.Stop()
	c := &catcher{}
	go func() {
		for email := range box.Emails {
			c.keep(email)
		}
	}()
	server := &http.Server{Addr: ":8025", Handler: c.routes(), ReadHeaderTimeout: 5 * time.Second}
	log.Println("SMTP on port 1025, HTTP API on port 8025")
	log.Fatal(server.ListenAndServe())
}

// message has a subset of the members of Mailpit's messages, for lists and for
// single ones.
type message struct {
	ID, MessageID, Subject string
	From                   *mail.Address
	To                     []*mail.Address
	Text                   string
}

type catcher struct {
	mu       sync.Mutex
	messages []message // newest first, as in Mailpit
}

func (c *catcher) keep(e mailtest.Email) {
	from, badFrom := mail.ParseAddress(e.From)
	to, badTo := mail.ParseAddressList(e.To)
	if err := errors.Join(badFrom, badTo); err != nil {
		log.Println("an email has an address that does not parse:", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := message{ID: strconv.Itoa(len(c.messages) + 1), MessageID: e.MessageID, Subject: e.Subject, From: from, To: to, Text: e.Text}
	c.messages = append([]message{m}, c.messages...)
}

func (c *catcher) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/messages", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		list := make([]message, len(c.messages))
		for i, m := range c.messages {
			m.Text = ""
			list[i] = m
		}
		write(w, map[string]any{"total": len(list), "messages": list})
	})
	mux.HandleFunc("GET /api/v1/message/{id}", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, m := range c.messages {
			if id := r.PathValue("id"); id == m.ID || id == "latest" {
				write(w, m)
				return
			}
		}
		http.NotFound(w, r)
	})
	return mux
}

func write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}
