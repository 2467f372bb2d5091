package bridge_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// modelCall is a call in progress, and what its writes may be.
type modelCall struct {
	node       *node
	verb       string
	reactivate bool
	// Of an acceptance:
	invitation *modelInvitation
	password   string
	byKratos   bool      // without a password, which the invitee chooses afterwards
	at         time.Time // when it began, by the wall clock
	run        time.Duration
	expires    time.Time // of the invitation, at that time
	early      bool      // it began before the codes of the former holder had expired
	begun      int       // writes that had begun before other steps ran
	unreadable bool      // its account, when it began
}

const (
	inviteVerb = "invite"
	acceptVerb = "accept"
)

// putBody is what the model reads of a PUT.
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

// audit checks all requests to Kratos since the last audit: each write must be
// one that the model permits, and is recorded in the model.
func (h *history) audit(by *modelCall) {
	log := h.kratos.Log()
	h.kratos.ResetLog()
	for _, r := range log {
		if r.IsWrite() {
			h.auditWrite(by, r)
		}
	}
}

func (h *history) auditWrite(by *modelCall, r kratostest.Request) {
	var body putBody
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
			h.Fatal(err)
		}
	}
	if r.Route == kratostest.RouteRecovery {
		h.auditCode(by, r)
		return
	}
	if r.Method == http.MethodPost {
		if r.Status == http.StatusCreated {
			h.accounts[r.ID] = &modelAccount{id: r.ID, email: body.Traits.Email, ours: true, mark: body.MetadataAdmin.Invitation.ID}
		}
		return
	}
	a := h.accounts[r.ID]
	if a == nil || a.gone {
		if r.Status < 300 {
			h.broken("%s %s changed an identity that does not exist", r.Method, r.Route)
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
			h.voidPermits(a)
		}
	case r.Method == http.MethodPatch && strings.Contains(r.Body, `"/state"`):
		h.auditHandOver(by, a)
		if !strings.Contains(r.Body, by.invitation.id.String()) || !by.byKratos {
			h.broken("%s was activated for someone other than the caller", a.email)
		}
		if effect {
			h.handedOver(a, by.invitation, by.password)
			by.invitation.detectable = true
			h.choosePassword(a)
		}
	case r.Method == http.MethodPatch && strings.Contains(r.Body, "/metadata_admin/"+bridge.MetadataKey):
		h.auditMark(by, a, r.Body, effect)
	default:
		h.auditHandOver(by, a)
		if !effect {
			return
		}
		switch {
		case r.Method == http.MethodPut && body.State == "active":
			if body.MetadataAdmin.Invitation.ID != by.invitation.id || body.Credentials.Password.Config.Password != by.password {
				h.broken("%s was handed over to someone other than the caller", a.email)
			}
			h.handedOver(a, by.invitation, by.password)
			by.invitation.detectable = true
		case r.Method == http.MethodPut:
			h.cleanedBy(a, by.invitation)
		}
	}
}

// choosePassword sets the password of an account that was activated without one, as
// the invitee does with the recovery code or, if its response was lost, by email.
func (h *history) choosePassword(a *modelAccount) {
	if err := h.kratos.Activate(context.Background(), a.id, a.password); err != nil {
		h.Fatal(err)
	}
}

// auditCode checks a request for a recovery code: it is made once, for the account
// that the caller has just accepted.
func (h *history) auditCode(by *modelCall, r kratostest.Request) {
	l := by.invitation
	switch {
	case by.verb != acceptVerb || l == nil || !by.byKratos || !strings.Contains(r.Body, l.identity.String()):
		h.broken("a recovery code is made by %s: %s", by.verb, r.Body)
	case !l.activated || h.accounts[l.identity].mark != l.id:
		h.broken("a recovery code is made for %s, which was not accepted", l.email)
	case l.coded:
		h.broken("a second recovery code is made for %s", l.email)
	}
	l.coded = true
}

// cleanedBy records that the password of an account was replaced by an unknown
// one. Another invitation that may clean finds a password that it does not
// know.
func (h *history) cleanedBy(a *modelAccount, l *modelInvitation) {
	a.password, a.cleaned = "", true
	for _, other := range h.order {
		if other != l && other.identity == a.id {
			other.permit = min(other.permit, perhaps)
		}
	}
}

func (h *history) auditMark(by *modelCall, a *modelAccount, body string, effect bool) {
	var patch []struct {
		Value struct{ ID uuid.UUID }
	}
	if err := json.Unmarshal([]byte(body), &patch); err != nil || len(patch) != 1 {
		h.Fatal("patch of the mark: ", body, err)
	}
	switch {
	case by.verb != inviteVerb:
		h.broken("%s marks %s", by.verb, a.email)
	case (a.used || a.imported) && !by.reactivate, a.fixed:
		h.broken("the used account of %s was marked without reactivate", a.email)
	}
	if effect {
		a.mark = patch[0].Value.ID
	}
}

// auditHandOver checks a write of an acceptance.
func (h *history) auditHandOver(by *modelCall, a *modelAccount) {
	l := by.invitation
	begun := by.begun > 0
	by.begun--
	switch {
	case by.verb != acceptVerb || l == nil || l.identity != a.id:
		h.broken("%s writes to %s", by.verb, a.email)
	case l.permit == void:
		h.broken("%s is written to by %s, and was used since", a.email, l.id)
	case l.revoked && !begun:
		h.broken("%s is written to by %s, which is revoked", a.email, l.id)
	case !by.at.Before(by.expires):
		h.broken("%s is written to by %s, which had expired", a.email, l.id)
	case !h.agreed[l.id]:
		h.broken("%s is written to by %s, and no hook has agreed", a.email, l.id)
	case !begun && h.leaseOver(*by):
		h.broken("%s is written to by %s, whose lease has expired", a.email, l.id)
	case by.early:
		h.broken("%s is handed over while codes of the former holder are valid", a.email)
	}
}

// leaseOver reports whether the lease has expired by either clock: no write may
// begin any more.
func (h *history) leaseOver(by modelCall) bool {
	return h.clock.Running()-by.run >= modelLease-modelMargin || h.now().Sub(by.at) >= modelLease-modelMargin
}

func (h *history) auditDelete(by *modelCall, a *modelAccount) {
	l := h.invitations[a.mark]
	switch {
	case a.used || a.imported:
		h.broken("the account of %s, which was used, is deleted by %s", a.email, by.verb)
	case !a.ours:
		h.broken("%s, which no bridge created, is deleted by %s", a.email, by.verb)
	case l == nil && by.verb == inviteVerb:
		return // it deletes what it has just created
	case h.unaccepted == bridge.KeepUnaccepted:
		h.broken("%s is deleted by %s, though such identities are kept", a.email, by.verb)
	case l == nil || l.lost || l.node != by.node || l.origin != bridge.OriginCreated:
		h.broken("%s is deleted by %s of bridge %d, which did not create it", a.email, by.verb, by.node.name)
	case !l.revoked && !l.expired:
		h.broken("%s is deleted, and its invitation has not ended", a.email)
	case slices.ContainsFunc(h.late, func(w lateWrite) bool { return w.invitation.identity == a.id }) && !h.clockSet:
		h.broken("%s is deleted, and a request may still take effect", a.email)
	}
	for _, other := range h.order {
		if other.identity == a.id && other.permit == certain && !other.expired && !other.revoked && !other.lost {
			h.broken("%s is deleted, and its invitation %s is pending", a.email, other.id)
		}
	}
}
