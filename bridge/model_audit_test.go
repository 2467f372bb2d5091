package bridge_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// act is a verb under way: what its writes may be.
type act struct {
	node       *node
	verb       string
	reactivate bool
	// Of an acceptance:
	life     *life
	password string
	at       time.Time // when it began, by the wall clock
	run      time.Duration
	expires  time.Time // of the invitation, then
	early    bool      // it began before codes of the former holder had expired
	begun    int       // writes that had begun when the world moved on
}

const (
	inviteVerb = "invite"
	acceptVerb = "accept"
)

// putBody is what the model looks at of a PUT.
type putBody struct {
	State         string `json:"state"`
	MetadataAdmin struct {
		Invitation struct {
			ID         uuid.UUID `json:"id"`
			AcceptedAt string    `json:"accepted_at"`
		} `json:"invitation"`
	} `json:"metadata_admin"`
	Traits      struct{ Email string }
	Credentials struct {
		Password struct{ Config struct{ Password string } }
	}
}

// audit looks at all that was asked of Kratos since: each write must be one that
// the truth permits, and changes the truth.
func (h *history) audit(by *act) {
	log := h.kratos.Log()
	h.kratos.ResetLog()
	for _, r := range log {
		if r.IsWrite() {
			h.auditWrite(by, r)
		}
	}
}

func (h *history) auditWrite(by *act, r kratostest.Request) {
	var body putBody
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
			h.Fatal(err)
		}
	}
	if r.Method == http.MethodPost {
		if r.Status == http.StatusCreated {
			h.accounts[r.ID] = &truth{id: r.ID, email: body.Traits.Email, ours: true, mark: body.MetadataAdmin.Invitation.ID}
		}
		return
	}
	a := h.accounts[r.ID]
	if a == nil || a.gone {
		if r.Status < 300 {
			h.broken("%s %s changed an identity that is not there", r.Method, r.Route)
		}
		return
	}
	h.step("    %s %s of %s by %s: %d", r.Method, strings.TrimPrefix(r.Route, kratostest.RouteIdentity), a.email, by.verb, r.Status)
	if a.active {
		h.broken("%s %s of %s, which is active, in %s", r.Method, r.Route, a.email, by.verb)
	}
	effect := r.Status < 300
	switch {
	case r.Method == http.MethodDelete && r.Route == kratostest.RouteIdentity:
		h.auditDelete(by, a)
		if a.gone = effect; effect {
			h.disturbed(a)
		}
	case r.Method == http.MethodPatch && strings.Contains(r.Body, "/metadata_admin/"+bridge.MarkKey):
		h.auditMark(by, a, r.Body, effect)
	default:
		h.auditHandOver(by, a)
		if !effect {
			return
		}
		switch {
		case r.Method == http.MethodPut && body.State == "active":
			if body.MetadataAdmin.Invitation.ID != by.life.id || body.Credentials.Password.Config.Password != by.password {
				h.broken("%s was handed over to somebody else than who accepted", a.email)
			}
			h.handedOver(a, by.life, by.password)
			by.life.noticeable = true
		case r.Method == http.MethodPut:
			h.cleanedBy(a, by.life)
		}
	}
}

// cleanedBy has an account lose its password to one that nobody has. Another
// invitation that may clean finds a password that it does not know.
func (h *history) cleanedBy(a *truth, l *life) {
	a.password, a.cleaned = "", true
	for _, other := range h.order {
		if other != l && other.identity == a.id {
			other.permit = min(other.permit, perhaps)
		}
	}
}

func (h *history) auditMark(by *act, a *truth, body string, effect bool) {
	var patch []struct {
		Value struct{ ID uuid.UUID }
	}
	if err := json.Unmarshal([]byte(body), &patch); err != nil || len(patch) != 1 {
		h.Fatal("a patch that marks: ", body, err)
	}
	switch {
	case by.verb != inviteVerb:
		h.broken("%s marks %s", by.verb, a.email)
	case (a.used || a.imported) && !by.reactivate, a.fixed:
		h.broken("%s was somebody's, and was marked though nobody said to reactivate it", a.email)
	}
	if effect {
		a.mark = patch[0].Value.ID
	}
}

// auditHandOver is for each write of an acceptance.
func (h *history) auditHandOver(by *act, a *truth) {
	l := by.life
	begun := by.begun > 0
	by.begun--
	switch {
	case by.verb != acceptVerb || l == nil || l.identity != a.id:
		h.broken("%s writes to %s", by.verb, a.email)
	case l.permit == void:
		h.broken("%s is written to by %s: it was somebody's since", a.email, l.id)
	case l.revoked && !begun:
		h.broken("%s is written to by %s, which is revoked", a.email, l.id)
	case !by.at.Before(by.expires):
		h.broken("%s is written to by %s, which had expired", a.email, l.id)
	case !h.asked[l.id]:
		h.broken("%s is written to by %s, and no hook has consented", a.email, l.id)
	case !begun && h.leaseOver(*by):
		h.broken("%s is written to by %s, whose lease is over", a.email, l.id)
	case by.early:
		h.broken("%s is handed over while codes of the former holder are valid", a.email)
	}
}

// leaseOver says so by either clock: nothing may begin any more.
func (h *history) leaseOver(by act) bool {
	return h.clock.Running()-by.run >= modelLease-modelMargin || h.now().Sub(by.at) >= modelLease-modelMargin
}

func (h *history) auditDelete(by *act, a *truth) {
	l := h.lives[a.mark]
	switch {
	case a.used || a.imported:
		h.broken("the account of %s, which was used, is deleted by %s", a.email, by.verb)
	case !a.ours:
		h.broken("%s, which no bridge created, is deleted by %s", a.email, by.verb)
	case l == nil && by.verb == inviteVerb:
		return // it takes back what it created just now
	case h.unaccepted == bridge.KeepUnaccepted:
		h.broken("%s is deleted by %s, though such identities are kept", a.email, by.verb)
	case l == nil || l.lost || l.node != by.node || l.origin != bridge.OriginCreated:
		h.broken("%s is deleted by %s of bridge %d, whose it is not", a.email, by.verb, by.node.name)
	case !l.revoked && !l.lapsed:
		h.broken("%s is deleted, and its invitation has not ended", a.email)
	case slices.ContainsFunc(h.late, func(w lateWrite) bool { return w.life.identity == a.id }) && !h.clockSet:
		h.broken("%s is deleted, and a request may still take effect", a.email)
	}
	for _, other := range h.order {
		if other.identity == a.id && other.permit == certain && !other.lapsed && !other.revoked && !other.lost {
			h.broken("%s is deleted, and its invitation %s is pending", a.email, other.id)
		}
	}
}
