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
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge/mail/mailtest"
)

// environment receives and records the bridge's webhooks and emails.
type environment struct {
	mailbox *mailtest.Mailbox
	hooks   *http.Server
	url     string

	mu          sync.Mutex
	events      map[delivered]map[string]int            // how often each webhook-id arrived
	emails      map[string]int                          // by address
	emailed     map[string]map[string]bool              // Message-IDs, by address
	tokens      map[string]string                       // of the last email, by address
	ahead       [2]time.Duration                        // least and most, of the clocks of those that called blocking hooks
	tokenSample []string                                // tokens from webhooks and emails
	hookAnswers map[uuid.UUID]func(http.ResponseWriter) // responses to the blocking hook for acceptances
}

// maxTokens is how many tokens are kept for the search for secrets.
const maxTokens = 500

var linkToken = regexp.MustCompile(`/invite/([A-Za-z0-9_-]{22})`)

// delivered is an event of an invitation, or of an import.
type delivered struct {
	invitation uuid.UUID
	event      string
}

func newEnvironment(ctx context.Context) (*environment, error) {
	mailbox, err := mailtest.Start()
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		mailbox.Stop()
		return nil, err
	}
	w := &environment{mailbox: mailbox, url: "http://" + l.Addr().String(), events: make(map[delivered]map[string]int), emails: make(map[string]int), emailed: make(map[string]map[string]bool), tokens: make(map[string]string)}
	w.hooks = &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = w.hooks.Serve(l) }()
	go func() {
		for email := range mailbox.Emails {
			w.mu.Lock()
			for _, to := range email.Recipients {
				w.emails[to]++
				if w.emailed[to] == nil {
					w.emailed[to] = make(map[string]bool)
				}
				w.emailed[to][email.MessageID] = true
				if found := linkToken.FindStringSubmatch(email.Text); found != nil {
					w.tokens[to] = found[1]
					w.remember(found[1])
				}
			}
			w.mu.Unlock()
		}
	}()
	return w, nil
}

func (w *environment) stop() {
	_ = w.hooks.Close()
	w.mailbox.Stop()
}

// ServeHTTP records webhooks. It agrees to blocking ones unless setHookAnswer says
// otherwise.
func (w *environment) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var payload struct {
		Type string
		Data struct {
			Invitation struct{ ID uuid.UUID }
			Import     struct{ ID uuid.UUID }
			Token      string `json:"invitation_token"`
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &payload) != nil {
		return // the sender was killed
	}
	w.mu.Lock()
	key := delivered{payload.Data.Invitation.ID, payload.Type}
	if payload.Data.Import.ID != uuid.Nil {
		key.invitation = payload.Data.Import.ID
	}
	if w.events[key] == nil {
		w.events[key] = make(map[string]int)
	}
	w.events[key][r.Header.Get("webhook-id")]++
	w.remember(payload.Data.Token)
	if strings.HasPrefix(payload.Type, "pre_") {
		w.noteClock(r.Header.Get("webhook-timestamp"))
	}
	answer := w.hookAnswers[payload.Data.Invitation.ID]
	w.mu.Unlock()
	if answer == nil || payload.Type != "pre_password_creation" {
		answer = agree
	}
	answer(rw)
}

func agree(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }

// setHookAnswer sets the response of the blocking hook to the acceptance of an
// invitation. Nil restores the default, which agrees.
func (w *environment) setHookAnswer(invitation uuid.UUID, answer func(http.ResponseWriter)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hookAnswers == nil {
		w.hookAnswers = make(map[uuid.UUID]func(http.ResponseWriter))
	}
	w.hookAnswers[invitation] = answer
}

// holdBack delays the response of that hook until goOn is called. asked is closed
// when the hook is called.
func (w *environment) holdBack(invitation uuid.UUID) (asked <-chan struct{}, goOn func()) {
	arrived, released := make(chan struct{}), make(chan struct{})
	arrive := sync.OnceFunc(func() { close(arrived) })
	w.setHookAnswer(invitation, func(rw http.ResponseWriter) {
		arrive()
		<-released
		agree(rw)
	})
	return arrived, sync.OnceFunc(func() {
		w.setHookAnswer(invitation, nil)
		close(released)
	})
}

// messageIDs returns how many different message ids reported an event.
func (w *environment) messageIDs(invitation uuid.UUID, event string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.events[delivered{invitation, event}])
}

// emailIDs returns how many different messages an address got as emails.
func (w *environment) emailIDs(email string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.emailed[email])
}

func (w *environment) emailCount(email string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.emails[email]
}

// remember keeps a token. The caller must hold the lock.
func (w *environment) remember(token string) {
	if token != "" && len(w.tokenSample) < maxTokens {
		w.tokenSample = append(w.tokenSample, token)
	}
}

func (w *environment) sampledTokens() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tokenSample)
}

// emailToken returns the token of the last email to an address, or "" if none has
// arrived.
func (w *environment) emailToken(email string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tokens[email]
}

// config returns the configuration of the bridge, as a format for newProcess.
func (w *environment) config(kratos identities, s scenario) string {
	unaccepted := map[bool]string{true: "at_expiry", false: "keep"}[s.deletes]
	return fmt.Sprintf(`
dsn: %%s
serve:
  public: { host: "unix:%%s", rate_limit: { requests: 0 } }
  admin: { host: "unix:%%s", api_keys: [ { name: torture, key: %%s } ] }
kratos: { admin_url: "%s", public_url: "%s", timeout: %v }
invitation: { cooldown: %v, unaccepted_identities: %s, accept_with: [ password, kratos ] }
selfservice: { methods: { password: { config: { haveibeenpwned_enabled: false } } } }
courier: { smtp: { connection_uri: "%s", from_address: bridge@example.com } }
hooks:
  - { id: crm, url: "%[7]s/events", events: [ invitation_token_created, post_password_creation, invitation_revoked, invitation_expired, import_finished ] }
  - { id: gate, url: "%[7]s/gate", can_interrupt: true, events: [ pre_invitation_creation, pre_password_creation ] }
log: { level: trace }
`, kratos.url, kratos.public, kratos.timeout, s.cooldown, unaccepted, w.mailbox.URI(), w.url)
}
