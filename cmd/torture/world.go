package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge/mail/mailtest"
)

// world is what is around the bridge: it notes what arrives.
type world struct {
	mailbox *mailtest.Mailbox
	hooks   *http.Server
	url     string

	mu      sync.Mutex
	events  map[told]map[string]int                 // how often each webhook-id came
	letters map[string]int                          // by address
	tokens  map[string]string                       // of the last letter, by address
	some    []string                                // tokens of webhooks and letters
	answers map[uuid.UUID]func(http.ResponseWriter) // to the hook that is asked about an acceptance
}

// maxTokens bounds how many are kept to be searched for.
const maxTokens = 500

var linkToken = regexp.MustCompile(`/invite/([A-Za-z0-9_-]{22})`)

// told is an event of an invitation.
type told struct {
	invitation uuid.UUID
	event      string
}

func newWorld(ctx context.Context) (*world, error) {
	mailbox, err := mailtest.Start()
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		mailbox.Stop()
		return nil, err
	}
	w := &world{mailbox: mailbox, url: "http://" + l.Addr().String(), events: make(map[told]map[string]int), letters: make(map[string]int), tokens: make(map[string]string)}
	w.hooks = &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = w.hooks.Serve(l) }()
	go func() {
		for letter := range mailbox.Letters {
			w.mu.Lock()
			for _, to := range letter.Recipients {
				w.letters[to]++
				if found := linkToken.FindStringSubmatch(letter.Text); found != nil {
					w.tokens[to] = found[1]
					w.remember(found[1])
				}
			}
			w.mu.Unlock()
		}
	}()
	return w, nil
}

func (w *world) stop() {
	_ = w.hooks.Close()
	w.mailbox.Stop()
}

// ServeHTTP takes webhooks, and agrees to whatever it is asked.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var payload struct {
		Type string
		Data struct {
			Invitation struct{ ID uuid.UUID }
			Token      string `json:"invitation_token"`
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &payload) != nil {
		return // the sender was killed
	}
	w.mu.Lock()
	key := told{payload.Data.Invitation.ID, payload.Type}
	if w.events[key] == nil {
		w.events[key] = make(map[string]int)
	}
	w.events[key][r.Header.Get("webhook-id")]++
	w.remember(payload.Data.Token)
	answer := w.answers[payload.Data.Invitation.ID]
	w.mu.Unlock()
	if answer == nil || payload.Type != "pre_password_creation" {
		answer = consent
	}
	answer(rw)
}

func consent(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }

// answer decides what the hook says that is asked whether an invitation may be
// accepted; nil: it consents.
func (w *world) answer(invitation uuid.UUID, answer func(http.ResponseWriter)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answers == nil {
		w.answers = make(map[uuid.UUID]func(http.ResponseWriter))
	}
	w.answers[invitation] = answer
}

// holdBack has that hook wait for goOn, and says when it is asked.
func (w *world) holdBack(invitation uuid.UUID) (asked <-chan struct{}, goOn func()) {
	arrived, way := make(chan struct{}), make(chan struct{})
	arrive := sync.OnceFunc(func() { close(arrived) })
	w.answer(invitation, func(rw http.ResponseWriter) {
		arrive()
		<-way
		consent(rw)
	})
	return arrived, sync.OnceFunc(func() {
		w.answer(invitation, nil)
		close(way)
	})
}

// ids gives how many different messages told of an event.
func (w *world) ids(invitation uuid.UUID, event string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.events[told{invitation, event}])
}

func (w *world) mails(email string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.letters[email]
}

// remember is for whoever holds the lock.
func (w *world) remember(token string) {
	if token != "" && len(w.some) < maxTokens {
		w.some = append(w.some, token)
	}
}

func (w *world) someTokens() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.some)
}

// letterToken is what the last letter to an address holds; empty: none came.
func (w *world) letterToken(email string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tokens[email]
}

// config is the bridge's, with what process fills in.
func (w *world) config(kratos identities, s scenario) string {
	unaccepted := map[bool]string{true: "at_expiry", false: "keep"}[s.deletes]
	return fmt.Sprintf(`
dsn: bolt://%%s
serve:
  public: { host: 127.0.0.1, port: %%s, rate_limit: { requests: 0 } }
  admin: { host: 127.0.0.1, port: %%s, api_keys: [ { name: torture, key: %%s } ] }
kratos: { admin_url: "%s", public_url: "%s", timeout: %v }
invitation: { cooldown: %v, unaccepted_identities: %s }
selfservice: { methods: { password: { config: { haveibeenpwned_enabled: false } } } }
courier: { smtp: { connection_uri: "%s", from_address: bridge@example.com } }
hooks:
  - { id: crm, url: "%[7]s/told", events: [ invitation_token_created, post_password_creation, invitation_revoked, invitation_expired ] }
  - { id: gate, url: "%[7]s/asked", can_interrupt: true, events: [ pre_invitation_creation, pre_password_creation ] }
log: { level: trace }
`, kratos.url, kratos.public, kratos.timeout, s.cooldown, unaccepted, w.mailbox.URI(), w.url)
}
