package bridge_test

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"pgregory.net/rapid"

	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// drawAccount picks an account that someone changes outside the bridges.
// Requests in flight arrive before. No one acts between a verdict and its
// write, because no bridge can notice that.
func (h *history) drawAccount(t *rapid.T) *modelAccount {
	a := h.accountOf(rapid.SampledFrom(modelEmails).Draw(t, "account"))
	if f := h.bridges[0].pending; f != nil && rapid.Bool().Draw(t, "the one in flight") {
		a = h.accounts[f.invitation.identity]
	}
	if a == nil || a.gone {
		t.Skip()
	}
	h.applyDueWrites(a, 0)
	for _, n := range h.bridges {
		if f := n.pending; f != nil && f.invitation.identity == a.id {
			if f.requestSent() {
				t.Skip()
			}
			defer h.advance(time.Second)
		}
	}
	return a
}

// register creates an account outside the bridges: inactive and unused,
// inactive until someone approves it, or active.
func (h *history) register(t *rapid.T) {
	email := rapid.SampledFrom(modelEmails).Draw(t, "account")
	if h.accountOf(email) != nil {
		t.Skip()
	}
	a := &modelAccount{email: email, active: rapid.Bool().Draw(t, "active")}
	state := "inactive"
	if a.active {
		state = "active"
	}
	schema, traits := schemaAndTraits(email)
	var err error
	if a.id, err = h.kratos.Create(h.Context(), fmt.Sprintf(`{"schema_id":%q,"state":%q,"traits":%s}`, schema, state, traits)); err != nil {
		h.Fatal(err)
	}
	a.used = a.active
	h.accounts[a.id] = a
	h.step("%s registers, active %v", email, a.active)
	if !a.active && rapid.Bool().Draw(t, "with a provider") {
		h.addCredential(a, "oidc")
	}
}

// activate has an administrator activate an account, with or without a
// password. The account belongs to its last holder, or to a first one.
func (h *history) activate(t *rapid.T) {
	if a := h.drawAccount(t); a.active {
		t.Skip()
	} else {
		h.activateNow(t, a)
	}
}

func (h *history) activateNow(t *rapid.T, a *modelAccount) {
	a.active, a.used, a.cleaned = true, true, false
	if rapid.Bool().Draw(t, "with a password") {
		h.passwords++
		a.password = fmt.Sprintf("chosen-By-hand-%d", h.passwords)
		a.secrets = append(a.secrets, secret{a.holder, passwordKind, a.password})
		h.kratos.ActivateByHand(a.id, a.password)
	} else if err := h.kratos.SetState(h.Context(), a.id, "active"); err != nil {
		h.Fatal(err)
	}
	h.step("%s is activated", a.email)
	h.voidPermits(a)
}

func (h *history) deactivate(t *rapid.T) {
	if a := h.drawAccount(t); a.active {
		h.deactivateNow(a)
	} else {
		t.Skip()
	}
}

func (h *history) deactivateNow(a *modelAccount) {
	a.active = false
	h.step("%s is deactivated", a.email)
	h.kratos.Deactivate(a.id)
}

// use has someone sign in to an account. It may be activated for that and
// deactivated afterwards.
func (h *history) use(t *rapid.T) {
	a := h.drawAccount(t)
	if !a.active {
		h.activateNow(t, a)
	}
	token, err := h.kratos.AddSession(a.id)
	if err != nil {
		h.Fatal(err)
	}
	a.secrets = append(a.secrets, secret{a.holder, sessionKind, token})
	h.step("%s signs in", a.email)
	if rapid.IntRange(0, 3).Draw(t, "stays") > 0 {
		h.deactivateNow(a)
	}
}

// giveCredential adds a way to sign in: the holder sets it up, or an
// administrator imports it while the account is inactive.
func (h *history) giveCredential(t *rapid.T) {
	a := h.drawAccount(t)
	h.addCredential(a, rapid.SampledFrom([]string{"oidc", "totp", "lookup_secret", "passkey"}).Draw(t, "credential"))
}

func (h *history) addCredential(a *modelAccount, kind string) {
	value, config, identifiers := "", "", []string(nil)
	switch kind {
	case "oidc":
		h.people++
		value = fmt.Sprint("subject-", h.people)
		identifiers = []string{"idp:" + value}
		for _, s := range a.secrets { // SetCredential replaces the existing ones
			if s.kind == kind && s.holder == a.holder {
				identifiers = append(identifiers, "idp:"+s.value)
			}
		}
	case "passkey":
		config, a.fixed = `{"credentials":[{}]}`, true
	}
	if err := h.kratos.SetCredential(a.id, kind, config, identifiers...); err != nil {
		h.Fatal(err)
	}
	if h.step("%s gets %s", a.email, kind); !a.active {
		if a.imported = true; kind == "passkey" {
			h.voidPermits(a)
		}
		h.credentialAdded(a)
	}
	if kind != "oidc" { // an account has one of each kind
		a.secrets = slices.DeleteFunc(a.secrets, func(s secret) bool { return s.kind == kind })
	}
	a.secrets = append(a.secrets, secret{a.holder, kind, value})
}

// tamper is what happens more rarely.
func (h *history) tamper(t *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
		h.editIdentity(t)
	case 1:
		h.remove(t)
	default:
		h.toggleReadable(t)
	}
}

// editIdentity changes what has no effect on ownership: metadata, the verified
// address, a name.
func (h *history) editIdentity(t *rapid.T) {
	a := h.drawAccount(t)
	patches := []string{
		`[{"op":"add","path":"/metadata_public","value":{"team":7}}]`,
		`[{"op":"replace","path":"/verifiable_addresses/0/verified","value":true}]`,
		`[{"op":"add","path":"/traits/name","value":{"first":"Ada"}}]`,
	}
	if a.email == namedEmail {
		patches = patches[:2] // traits must be sent completely
	}
	patch := rapid.SampledFrom(patches).Draw(t, "patch")
	if _, err := h.kratos.Patch(h.Context(), a.id, patch); err != nil {
		h.Fatal(err)
	}
	h.step("%s is edited", a.email)
}

// remove has someone delete an identity.
func (h *history) remove(t *rapid.T) {
	a := h.drawAccount(t)
	h.step("%s is deleted", a.email)
	h.kratos.Remove(a.id)
	a.gone = true
	h.makeReadable(a)
	h.voidPermits(a)
}

// toggleReadable makes Kratos unable to return one identity, or able again.
func (h *history) toggleReadable(t *rapid.T) {
	a := h.drawAccount(t)
	if a.restoreRead != nil {
		h.step("%s can be read again", a.email)
		h.makeReadable(a)
		return
	}
	failing := bridgetest.Answer(http.StatusInternalServerError)
	failing.Method, failing.Route, failing.ID = http.MethodGet, kratostest.RouteIdentity, a.id
	a.restoreRead = h.kratos.Inject(failing)
	h.step("%s cannot be read", a.email)
}

func (h *history) makeReadable(a *modelAccount) {
	if a.restoreRead != nil {
		a.restoreRead()
		a.restoreRead = nil
	}
}

// serialize is called before a bridge acts. Requests that another bridge has
// sent for the same account arrive first. Steps are skipped while another
// bridge has a write in flight, because no bridge can know of that.
func (h *history) serialize(n *node, a *modelAccount) {
	for _, other := range h.bridges {
		if f := other.pending; other != n && f != nil && f.requestSent() && (a == nil || f.invitation.identity == a.id) {
			h.Skip()
		}
	}
	if slices.ContainsFunc(h.late, func(w lateWrite) bool { return w.invitation.node != n && !w.slow }) {
		h.applyDueWrites(a, 0)
	}
}
