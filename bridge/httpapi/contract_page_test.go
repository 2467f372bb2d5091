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

// page drives the two operations of the invitee's page, whose errors have no
// ids that could be seen.
func (d *driver) page(t *testing.T) {
	show := func(status int, w *driven) { t.Helper(); w.want("showInvitation", status, "", nil) }
	submit := func(status int, w *driven, form url.Values) {
		t.Helper()
		w.want("submitInvitation", status, "", form.Encode())
	}
	good, weak, renew := url.Values{"password": {password}}, url.Values{"password": {"short"}}, url.Values{"renew": {"1"}}

	w := d.start(t)
	show(http.StatusOK, w)
	submit(http.StatusBadRequest, w, weak)
	submit(http.StatusBadRequest, w, nil)
	w.want("submitInvitation", http.StatusBadRequest, "", "%zz")
	w.want("submitInvitation", http.StatusRequestEntityTooLarge, "", strings.Repeat("a", 64<<10+1))
	submit(http.StatusOK, w, renew)
	submit(http.StatusOK, w, good)
	submit(http.StatusGone, w, good)
	show(http.StatusGone, w)

	w = d.start(t)
	w.addressee.Token = bridge.MintToken().Reveal()
	show(http.StatusNotFound, w)
	submit(http.StatusNotFound, w, good)

	w = d.start(t)
	w.Kratos.ActivateByHand(uuid.MustParse(w.addressee.IdentityID), password)
	submit(http.StatusGone, w, good)

	w = d.start(t)
	id := w.Kratos.Add("left@example.com", true)
	w.Kratos.Deactivate(id)
	w.addressee = w.wantOrigin(object{"email": "left@example.com", "reactivate": true}, bridge.OriginReactivated)
	submit(http.StatusConflict, w, good)

	w = d.start(t)
	mend := w.Kratos.OnPut(bridgetest.CutBefore)
	submit(http.StatusServiceUnavailable, w, good)
	mend()
	if got := do(t, request(t, http.MethodPost, w.public+"/invite/"+w.addressee.Token, "password=x", "Content-Type", "text/plain")); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("%d", got.status)
	}

	w = d.start(t)
	w.Kratos.Inject(bridgetest.Answer(http.StatusForbidden))
	submit(http.StatusBadGateway, w, good)

	w = d.start(t, func(c *bridge.Config) { c.Hooks = refusing{} })
	submit(http.StatusForbidden, w, good)

	a := startWorld(t, bridgetest.New(t), func(c *httpapi.Config) { c.RateLimit = httpapi.RateLimit{Requests: 1, Window: time.Hour} })
	d.watches = append(d.watches, a.watch)
	w = &driven{api: a, addressee: a.invite(object{"email": email})}
	submit(http.StatusBadRequest, w, weak)
	submit(http.StatusTooManyRequests, w, good)

	w = d.start(t)
	w.Store.OnCall(func() { panic("a defect") })
	show(http.StatusInternalServerError, w)
	submit(http.StatusInternalServerError, w, good)
	w = d.start(t)
	if err := w.Store.Close(); err != nil {
		t.Fatal(err)
	}
	show(http.StatusServiceUnavailable, w)
	submit(http.StatusServiceUnavailable, w, good)
}

// refusing is a hook that refuses every password.
type refusing struct{}

func (refusing) Ask(_ context.Context, p bridge.Payload) error {
	if p.Type == bridge.EventPrePassword {
		return bridge.ErrHookRefused
	}
	return nil
}
