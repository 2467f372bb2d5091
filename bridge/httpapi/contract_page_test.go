package httpapi_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

// page drives the two operations of the invitee's page. Their errors are HTML and
// show no ids.
func (d *driver) page(t *testing.T) {
	show := func(status int, w *scenario) { t.Helper(); w.want("showInvitation", status, "", nil) }
	submit := func(status int, w *scenario, form url.Values) {
		t.Helper()
		w.want("submitInvitation", status, "", form.Encode())
	}
	strong, weak, renew := url.Values{"password": {password}}, url.Values{"password": {"short"}}, url.Values{"renew": {"1"}}

	w := d.start(t)
	show(http.StatusOK, w)
	submit(http.StatusBadRequest, w, weak)
	submit(http.StatusBadRequest, w, nil)
	w.want("submitInvitation", http.StatusBadRequest, "", "%zz")
	w.want("submitInvitation", http.StatusRequestEntityTooLarge, "", strings.Repeat("a", 64<<10+1))
	submit(http.StatusOK, w, renew)
	submit(http.StatusOK, w, strong)
	submit(http.StatusGone, w, strong)
	show(http.StatusGone, w)

	w = d.start(t)
	w.issued.Token = bridge.MintToken().Reveal()
	show(http.StatusNotFound, w)
	submit(http.StatusNotFound, w, strong)

	w = d.start(t)
	w.Kratos.ActivateByHand(uuid.MustParse(w.issued.IdentityID), password)
	submit(http.StatusGone, w, strong)

	w = d.start(t)
	id := w.Kratos.Add("left@example.com", true)
	w.Kratos.Deactivate(id)
	w.issued = w.wantOrigin(object{"email": "left@example.com", "reactivate": true}, bridge.OriginReactivated)
	submit(http.StatusConflict, w, strong)

	w = d.start(t)
	restore := w.Kratos.OnPut(bridgetest.CutBefore)
	submit(http.StatusServiceUnavailable, w, strong)
	restore()
	if got := do(t, request(t, http.MethodPost, w.public+"/invite/"+w.issued.Token, "password=x", "Content-Type", "text/plain")); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("%d", got.status)
	}

	w = d.start(t)
	w.Kratos.Inject(bridgetest.Answer(http.StatusForbidden))
	submit(http.StatusBadGateway, w, strong)

	w = d.start(t, func(c *bridge.Config) { c.Hooks = refusingHook{} })
	submit(http.StatusForbidden, w, strong)

	a := startWith(t, bridgetest.New(t), func(c *httpapi.Config) { c.RateLimit = httpapi.RateLimit{Requests: 1, Window: time.Hour} })
	d.checkers = append(d.checkers, a.checker)
	w = &scenario{api: a, issued: a.invite(object{"email": email})}
	submit(http.StatusBadRequest, w, weak)
	submit(http.StatusTooManyRequests, w, strong)

	w = d.start(t)
	w.Store.OnCall(func() { panic("a defect") })
	show(http.StatusInternalServerError, w)
	submit(http.StatusInternalServerError, w, strong)
	w = d.start(t)
	if err := w.Store.Close(); err != nil {
		t.Fatal(err)
	}
	show(http.StatusServiceUnavailable, w)
	submit(http.StatusServiceUnavailable, w, strong)
}

// refusingHook refuses every acceptance.
type refusingHook struct{}

func (r refusingHook) Ask(ctx context.Context, _ string, p bridge.Payload) error {
	return r.Call(ctx, p)
}

func (refusingHook) Call(_ context.Context, p bridge.Payload) error {
	if p.Type == bridge.EventPrePassword {
		return bridge.ErrHookRefused
	}
	return nil
}
