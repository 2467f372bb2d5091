package httpapi_test

import (
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/webhook"
	"invitebridge/kratos/kratostest"
)

// TestEveryDocumentedResponse provokes every response that the document lists for
// each operation, down to the error ids. The contractChecker validates their
// content.
func TestEveryDocumentedResponse(t *testing.T) {
	d := &driver{t: t}
	t.Run("success", d.successes)
	t.Run("unauthorized", d.withoutKey)
	t.Run("forbidden", d.withoutScope)
	t.Run("bad request", d.badRequests)
	t.Run("not found", d.unknown)
	t.Run("conflicting state", d.states)
	t.Run("refused by a hook", d.hooks)
	t.Run("Kratos fails", d.kratos)
	t.Run("too many requests", d.tooMany)
	t.Run("internal", d.failures)
	t.Run("the page", d.page)
	t.Run("a new link", d.linkRequests)
	t.Run("endpoints", d.endpoints)
	t.Run("imports", d.imports)
	t.Run("inviters with a session", d.mine)

	seen := map[string]bool{}
	for _, w := range d.checkers {
		maps.Copy(seen, w.seen)
	}
	documented := map[string]bool{}
	for _, o := range loadContract().operations {
		for status, r := range o.responses {
			ids := r.errorIDs
			if len(ids) == 0 {
				ids = []string{""}
			}
			for _, id := range ids {
				documented[responseKey(o.id, status, id)] = true
			}
		}
	}
	for answer := range documented {
		if !seen[answer] {
			t.Errorf("%s was not provoked", answer)
		}
	}
	t.Logf("%d operations returned %d different responses", len(loadContract().operations), len(seen))
}

func (d *driver) successes(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://app.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range loadContract().operations {
		w := d.start(t, func(c *bridge.Config) { c.AllowedReturnURLs = allowed })
		w.Clock.Advance(time.Minute) // the cooldown of a resend by session
		if got := w.send(o, nil, w.body(o.id)); got.status >= 300 {
			t.Errorf("%s: %d %s", o.id, got.status, got.body)
		}
	}
	w := d.start(t, func(c *bridge.Config) { c.AllowedReturnURLs = allowed })
	w.want("createInvitation", http.StatusOK, "", object{"email": email})
	w.want("createInvitation", http.StatusCreated, "", object{
		"email": "Full@example.com", "schema_id": kratostest.DefaultSchema, "traits": object{"name": object{"first": "Ada"}},
		"metadata_public": []int{1}, "metadata_admin": object{"team": 7}, "inviter_id": "42", "inviter_name": "Grace", "locale": "de",
		"return_to": "https://app.example.com/in", "expires_in": "1h30m", "reminders": []string{"1h"}, "notify": false,
	})
	for _, query := range []string{"?state=pending&email=" + email + "&inviter_id=42&page_size=1", "?page_size=1"} {
		w.asAdmin(http.MethodGet, query, nil)
	}
	w.asAdmin(http.MethodGet, "/messages?state=queued&page_size=1&page_token="+w.messageID, nil)
	// Every outcome of a message.
	for _, outcome := range []bridge.AttemptOutcome{bridge.AttemptRetry, bridge.AttemptFailed, bridge.AttemptDisabled, bridge.AttemptSent} {
		w.deliver("courier", bridge.SendResult{Outcome: outcome, Status: 451, Detail: "why"})
		w.deliver(bridgetest.Hook, bridge.SendResult{Outcome: outcome})
		w.asAdmin(http.MethodGet, "/messages", nil)
		w.want("getMessage", http.StatusOK, "", nil)
		w.want("resendInvitation", http.StatusOK, "", nil)
		w.messageID = newestMessage(w.api)
	}
	w.want("acceptInvitation", http.StatusOK, "", w.body("acceptInvitation"))
	w.want("listInvitations", http.StatusOK, "", nil)
}

func (d *driver) withoutKey(t *testing.T) {
	w := d.start(t)
	w.wantAll(http.StatusUnauthorized, "unauthorized", func(r *http.Request) { r.Header.Del("Authorization") }, w.defaultBody)
}

func (d *driver) withoutScope(t *testing.T) {
	w := d.start(t)
	w.wantAll(http.StatusForbidden, "forbidden", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+uselessKey) }, w.defaultBody)
	inviter := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+inviterKey) }
	w.wantAll(http.StatusConflict, "invitation_exists", inviter, func(*operation) any { return object{"email": email} })
}

func (d *driver) badRequests(t *testing.T) {
	w := d.start(t)
	w.wantAll(http.StatusUnsupportedMediaType, "unsupported_media_type", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, w.defaultBody)
	// The client waits for 100 Continue before it sends the body: otherwise the
	// body's end and the response race.
	announce := func(r *http.Request) { r.Header.Set("Expect", "100-continue") }
	w.wantAll(http.StatusRequestEntityTooLarge, "body_too_large", announce, func(*operation) any { return strings.Repeat(" ", 64<<10+1) })
	query := func(r *http.Request) { r.URL.RawQuery = "unknown=x" }
	w.wantAll(http.StatusBadRequest, "bad_request", query, func(o *operation) any {
		if o.body == nil {
			return nil
		}
		if err := validate(o.body, []byte(`{"email":"a@example.com","password":"x","invitation_token":"x","unknown":1}`)); err == nil {
			t.Errorf("%s: the schema accepts a body that the bridge rejects", o.id)
		}
		return object{"unknown": 1}
	})
	w.want("createInvitation", http.StatusBadRequest, "email_invalid", object{"email": "Ada"})
	w.want("createInvitation", http.StatusBadRequest, "traits_invalid", object{"email": email, "metadata_admin": object{bridge.MetadataKey: 1}})
	w.want("createInvitation", http.StatusBadRequest, "field_not_supported", object{"email": "new@example.com", "external_id": "crm-7"})
	w.want("createInvitation", http.StatusBadRequest, "bad_request", object{"email": email, "organization_id": uuid.Nil})
	w.want("createInvitation", http.StatusBadRequest, "return_to_not_allowed", object{"email": email, "return_to": "https://evil.example/"})
	w.want("createInvitation", http.StatusBadRequest, "expires_in_invalid", object{"email": email, "expires_in": "9999h"})
	w.wantAll(http.StatusBadRequest, "email_invalid", func(r *http.Request) {
		if r.Method == http.MethodGet {
			r.URL.RawQuery = "email=x"
		}
	}, func(*operation) any { return object{"email": "x"} })
	w.want("acceptInvitation", http.StatusBadRequest, "password_policy_violation", object{"password": "short"})
	w.want("confirmInvitation", http.StatusBadRequest, "password_policy_violation", object{"password": email, "invitation_token": w.issued.Token})
	for id, body := range map[string]object{
		"accept_method_not_offered": {"method": "kratos"},
		"session_not_offered":       {"password": password, "session": true},
		"bad_request":               {"method": "kratos", "password": password},
	} {
		w.want("acceptInvitation", http.StatusBadRequest, id, body)
		body["invitation_token"] = w.issued.Token
		w.want("confirmInvitation", http.StatusBadRequest, id, body)
	}
}

func (d *driver) unknown(t *testing.T) {
	w := d.start(t, func(c *bridge.Config) { c.Renew = false }) // so there is no requestLink
	removed := w.removed("createInvitation")
	w.issued.ID, w.messageID, w.importID, w.issued.Token = uuid.NewString(), uuid.NewString(), uuid.NewString(), bridge.MintToken().Reveal()
	w.wantAll(http.StatusNotFound, "invitation_not_found", removed, w.defaultBody)
	w.wantAll(http.StatusNotFound, "message_not_found", nil, w.defaultBody)
	w.wantAll(http.StatusNotFound, "import_not_found", nil, w.defaultBody)
}

func (d *driver) hooks(t *testing.T) {
	var answer atomic.Int64
	answer.Store(http.StatusNoContent)
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(int(answer.Load()))
		_, _ = rw.Write([]byte(`{"messages":[{"instance_ptr":"#/traits/email","messages":[{"id":7,"text":"no seats","type":"error","context":{"seats":0}}]}]}`))
	}))
	t.Cleanup(receiver.Close)
	blocking, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{{
		ID: "seats", URL: receiver.URL, CanInterrupt: true, Events: []bridge.Event{bridge.EventPreInvitation, bridge.EventPrePassword},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(blocking.Close)
	for status, want := range map[int]struct {
		status int
		id     string
	}{
		http.StatusForbidden:           {http.StatusForbidden, "hook_refused"},
		http.StatusInternalServerError: {http.StatusServiceUnavailable, "hook_unavailable"},
	} {
		for _, o := range operationsWith(want.status, want.id) {
			answer.Store(http.StatusNoContent)
			w := d.start(t, func(c *bridge.Config) { c.Hooks = blocking })
			if o.id == "resendInvitation" || o.id == "renewInvitation" { // only expired ones call a hook
				w.Clock.Advance(25 * time.Hour)
			}
			answer.Store(int64(status))
			w.want(o.id, want.status, want.id, w.body(o.id))
		}
	}
}

func (d *driver) kratos(t *testing.T) {
	fail := func(status int, errorID string, inject func(*scenario)) {
		for _, o := range operationsWith(status, errorID) {
			w := d.start(t)
			if o.id == "renewInvitation" { // only expired ones call Kratos
				w.Clock.Advance(25 * time.Hour)
			}
			inject(w)
			w.want(o.id, status, errorID, w.body(o.id))
		}
	}
	fail(http.StatusBadGateway, "kratos_rejected", func(w *scenario) { w.Kratos.Inject(bridgetest.Answer(http.StatusForbidden)) })
	fail(http.StatusServiceUnavailable, "kratos_unavailable", func(w *scenario) { w.Kratos.Down() })
	w := d.start(t)
	w.Kratos.Down()
	w.want("isReady", http.StatusServiceUnavailable, "", nil)
}

func (d *driver) tooMany(t *testing.T) {
	a := startWith(t, bridgetest.New(t), func(c *httpapi.Config) {
		c.RateLimit = httpapi.RateLimit{Requests: 1, Window: time.Hour}
		c.APIKeys = append(c.APIKeys, httpapi.APIKey{Name: "limited", SHA256: sha256.Sum256([]byte("limited")), RateLimit: c.RateLimit})
	})
	d.checkers = append(d.checkers, a.checker)
	w := &scenario{api: a, issued: a.invite(object{"email": email})}
	w.want("acceptInvitation", http.StatusOK, "", w.body("acceptInvitation"))
	w.importID = a.importFile("email\nlater@example.com\n", "start_at=2031-01-01T00:00:00Z").ID
	for range 4 {
		defer a.beginReport(w.importID)()
	}
	_, finish := a.beginUpload()
	defer finish()
	a.withKey(http.MethodPost, base, nil, "limited")
	limited := func(r *http.Request) {
		if (r.Method == http.MethodPost || r.Method == http.MethodDelete) && strings.HasPrefix(r.URL.String(), a.admin) {
			r.Header.Set("Authorization", "Bearer limited")
		}
	}
	w.Store.OnCall(sync.OnceFunc(func() { // while a backup is in progress
		w.Store.OnCall(nil)
		w.wantAll(http.StatusTooManyRequests, "too_many_requests", limited, w.defaultBody)
	}))
	w.want("getBackup", http.StatusOK, "", nil)
	d.tooManyPending(t)
}

func (d *driver) tooManyPending(t *testing.T) {
	a := startWith(t, bridgetest.New(t), func(c *httpapi.Config) {
		c.APIKeys = []httpapi.APIKey{{Name: "backend", SHA256: sha256.Sum256([]byte(key)), MaxPending: 1}}
	})
	d.checkers = append(d.checkers, a.checker)
	w := &scenario{api: a, issued: a.invite(object{"email": email})}
	w.want("createInvitation", http.StatusConflict, "too_many_pending", w.body("createInvitation"))
	a.Clock.Advance(25 * time.Hour)
	w.want("createInvitation", http.StatusCreated, "", w.body("createInvitation"))
	w.want("resendInvitation", http.StatusConflict, "too_many_pending", nil)
}

// databaseStore is a store that has no backup of its own.
type databaseStore struct{ bridge.Store }

func (databaseStore) Backup(context.Context, io.Writer) error { return bridge.ErrBackupNotSupported }

func (d *driver) failures(t *testing.T) {
	w := d.start(t)
	w.Store.Store = databaseStore{w.Store.Store}
	w.want("getBackup", http.StatusNotImplemented, "backup_not_supported", nil)
	w = d.start(t)
	w.Store.OnCall(func() { panic("a defect") })
	w.wantAll(http.StatusInternalServerError, "internal", nil, w.defaultBody)
	w = d.start(t)
	if err := w.Store.Close(); err != nil {
		t.Fatal(err)
	}
	w.wantAll(http.StatusServiceUnavailable, "store_unavailable", nil, w.defaultBody)
	w.want("isReady", http.StatusServiceUnavailable, "", nil)
}
