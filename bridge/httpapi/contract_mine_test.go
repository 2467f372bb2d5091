package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/kratos/kratostest"
)

// mine provokes what the operations for inviters with a session document.
func (d *driver) mine(t *testing.T) {
	d.mineForbidden(t)
	d.mineInvalid(t)
	d.mineStates(t)
	d.mineFailures(t)
}

// wantMine is want for every operation for inviters with a session that documents this
// status and error id.
func (d *scenario) wantMine(status int, errorID string, change func(*http.Request), body func(*operation) any) {
	d.t.Helper()
	n := 0
	for _, o := range documenting(status, errorID) {
		if !o.session {
			continue
		}
		n++
		if got := d.send(o, change, body(o)); got.status != status || got.errorID() != errorID {
			d.t.Errorf("%s: %d %s, want %d %s", o.id, got.status, got.body, status, errorID)
		}
	}
	if n == 0 {
		d.t.Errorf("no operation documents %d %s", status, errorID)
	}
}

func (d *driver) mineForbidden(t *testing.T) {
	w := d.start(t)
	w.wantMine(http.StatusUnauthorized, "unauthorized", func(r *http.Request) { r.Header.Del("X-Session-Token") }, w.defaultBody)
	w.wantMine(http.StatusBadRequest, "bad_request", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) }, w.defaultBody)
	w.inviter.AAL = "aal0"
	w.wantMine(http.StatusForbidden, "forbidden", nil, w.defaultBody)

	refuse := hooksFunc(func(context.Context, bridge.Payload) error { return bridge.ErrHookRefused })
	var hooks bridge.Hooks = hooksFunc(func(context.Context, bridge.Payload) error { return nil })
	w = d.start(t, func(c *bridge.Config) {
		c.Hooks = hooksFunc(func(ctx context.Context, p bridge.Payload) error { return hooks.Call(ctx, p) })
	})
	hooks = refuse
	w.want("createMyInvitation", http.StatusForbidden, "hook_refused", w.body("createMyInvitation"))
	w.Clock.Advance(25 * time.Hour)
	w.want("resendMyInvitation", http.StatusForbidden, "hook_refused", nil)

	a := startWith(t, bridgetest.New(t, withInviters), func(c *httpapi.Config) {
		c.Inviters.RateLimit = httpapi.RateLimit{Requests: 1, Window: time.Hour}
	})
	d.checkers = append(d.checkers, a.checker)
	inviter := a.member(nil)
	w = &scenario{api: a, inviter: inviter.Inviter, mineID: inviter.invites(mineEmail).ID.String()}
	w.wantMine(http.StatusTooManyRequests, "too_many_requests", nil, w.defaultBody)
}

func (d *driver) mineInvalid(t *testing.T) {
	w := d.start(t, func(c *bridge.Config) {
		c.Inviters.May = append(c.Inviters.May, "traits", "external_id", "metadata_public")
	})
	w.wantMine(http.StatusUnsupportedMediaType, "unsupported_media_type", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, w.defaultBody)
	announce := func(r *http.Request) { r.Header.Set("Expect", "100-continue") }
	w.wantMine(http.StatusRequestEntityTooLarge, "body_too_large", announce, func(*operation) any { return strings.Repeat(" ", 64<<10+1) })
	for id, body := range map[string]object{
		"bad_request":           {"email": "new@example.com", "unknown": 1},
		"email_invalid":         {"email": "Ada"},
		"traits_invalid":        {"email": "new@example.com", "traits": object{"email": "other@example.com"}},
		"field_not_supported":   {"email": "new@example.com", "external_id": "crm-7"},
		"return_to_not_allowed": {"email": "new@example.com", "return_to": "https://evil.example/"},
		"expires_in_invalid":    {"email": "new@example.com", "expires_in": "9999h"},
	} {
		w.want("createMyInvitation", http.StatusBadRequest, id, body)
	}
	for query, id := range map[string]string{"email=x": "email_invalid", "unknown=x": "bad_request"} {
		o := documenting(http.StatusBadRequest, id)
		for _, o := range o {
			if o.id == "listMyInvitations" {
				w.send(o, func(r *http.Request) { r.URL.RawQuery = query }, nil)
			}
		}
	}
	removed := w.removed("createMyInvitation")
	w.mineID = uuid.NewString()
	w.wantMine(http.StatusNotFound, "invitation_not_found", removed, w.defaultBody)
}

func (d *driver) mineStates(t *testing.T) {
	w := d.start(t)
	w.want("createMyInvitation", http.StatusOK, "", object{"email": mineEmail})
	w.want("createMyInvitation", http.StatusConflict, "invitation_exists", object{"email": email})
	w.Kratos.Add("active@example.com", true)
	w.want("createMyInvitation", http.StatusConflict, "identity_already_active", object{"email": "active@example.com"})
	used := w.Kratos.Add("used@example.com", true)
	w.Clock.Advance(time.Hour)
	w.Kratos.Deactivate(used)
	w.want("createMyInvitation", http.StatusConflict, "identity_conflict", object{"email": "used@example.com"})
	for _, body := range []object{{"email": "once@example.com"}, {"email": "twice@example.com"}} {
		for _, o := range documenting(http.StatusConflict, "idempotency_key_reused") {
			if o.id == "createMyInvitation" {
				w.send(o, func(r *http.Request) { r.Header.Set("Idempotency-Key", "1") }, body)
			}
		}
	}
	w.want("revokeMyInvitation", http.StatusOK, "", nil)
	w.want("resendMyInvitation", http.StatusGone, "invitation_revoked", nil)

	w = d.start(t, func(c *bridge.Config) { c.Inviters.MaxPending = 1 })
	w.want("createMyInvitation", http.StatusConflict, "too_many_pending", object{"email": "more@example.com"})
	w.Clock.Advance(25 * time.Hour)
	w.want("createMyInvitation", http.StatusCreated, "", object{"email": "more@example.com"})
	w.want("resendMyInvitation", http.StatusConflict, "too_many_pending", nil)

	w = d.start(t)
	w.Clock.Advance(25 * time.Hour)
	w.want("createMyInvitation", http.StatusCreated, "", object{"email": mineEmail}) // a newer one
	w.Clock.Advance(time.Minute)
	w.want("resendMyInvitation", http.StatusConflict, "identity_conflict", nil)

	w = d.start(t)
	token := w.tokenOfMine()
	restore := w.Kratos.OnPut(bridgetest.CutBefore)
	if _, err := w.Service.Accept(t.Context(), token, password); !errors.Is(err, bridge.ErrKratosUnavailable) {
		t.Fatal(err)
	}
	restore()
	w.Clock.Advance(25 * time.Hour)
	w.want("resendMyInvitation", http.StatusConflict, "accept_in_progress", nil)
	w.want("createMyInvitation", http.StatusConflict, "accept_in_progress", object{"email": mineEmail})

	w = d.start(t)
	token = w.tokenOfMine()
	arrived, release, done := make(chan struct{}), make(chan struct{}), make(chan error)
	w.Kratos.Inject(kratostest.Fault{
		Method: http.MethodPut, Route: kratostest.RouteIdentity, Times: 1, Arrived: func() { close(arrived) }, Hold: release,
	})
	go func() { _, err := w.Service.Accept(t.Context(), token, password); done <- err }()
	<-arrived
	w.want("revokeMyInvitation", http.StatusAccepted, "", nil)
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.wantMine(http.StatusGone, "invitation_accepted", nil, w.defaultBody)
}

// tokenOfMine returns a token of the inviter's invitation.
func (d *scenario) tokenOfMine() string {
	d.t.Helper()
	o, err := d.Service.Invite(d.t.Context(), bridge.InviteRequest{Email: mineEmail, CreatedBy: bridge.BySession(d.inviter.ID)})
	if err != nil {
		d.t.Fatal(err)
	}
	return o.Token.Reveal()
}

func (d *driver) mineFailures(t *testing.T) {
	for _, o := range documenting(http.StatusBadGateway, "kratos_rejected") {
		if o.session {
			w := d.start(t)
			w.Kratos.Inject(bridgetest.Answer(http.StatusForbidden))
			w.Clock.Advance(time.Minute)
			w.want(o.id, http.StatusBadGateway, "kratos_rejected", w.body(o.id))
		}
	}
	w := d.start(t)
	w.Store.OnCall(func() { panic("a defect") })
	w.wantMine(http.StatusInternalServerError, "internal", nil, w.defaultBody)
	w = d.start(t)
	if err := w.Store.Close(); err != nil {
		t.Fatal(err)
	}
	w.wantMine(http.StatusServiceUnavailable, "store_unavailable", nil, w.defaultBody)

	down, ask := false, error(nil)
	w = d.start(t, func(c *bridge.Config) {
		c.InviterSessions = failingSessions{&down}
		c.Inviters.Allow = []bridge.InviterRule{{Hook: "authz"}}
		c.Hooks = hooksFunc(func(context.Context, bridge.Payload) error { return ask })
	})
	ask = bridge.ErrHookUnavailable
	w.wantMine(http.StatusServiceUnavailable, "hook_unavailable", nil, w.defaultBody)
	down = true
	w.wantMine(http.StatusServiceUnavailable, "kratos_unavailable", nil, w.defaultBody)
}

// failingSessions are bridgetest.Sessions that can be down.
type failingSessions struct{ down *bool }

func (s failingSessions) WhoAmI(ctx context.Context, session bridge.Session) (bridge.Inviter, error) {
	if *s.down {
		return bridge.Inviter{}, errors.New("down")
	}
	return bridgetest.Sessions{}.WhoAmI(ctx, session)
}
